"""Parts of the explorer's screens: they render what they are handed and say what a person did to them."""
