"""The explorer's screens: the main one with its tabs, and the dialogs over it."""
