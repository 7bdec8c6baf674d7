"""Keys that come in one chunk, as pasted or sent by a script: those behind one that opens a dialog are the dialog's."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from typing import Any

    from textual.app import App
    from textual.events import Key
    from textual.screen import Screen

__all__ = ["TypeAhead"]

LOOK_EVERY = 0.02  # seconds between two looks whether the dialog has a part with the cursor
LOOKS = 100  # after which keys go on all the same


class TypeAhead:
    """Holds keys until the screen is there that they are meant for.

    A key goes to the part with the cursor and from there up to the app, which looks up what it does. The keys behind it
    are on their way meanwhile, to the screen that was there when they came: a line to type in would never get them.
    """

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self._typed_on: WeakKeyDictionary[Key, Screen[Any]] = WeakKeyDictionary()
        self._held: list[Key] = []
        self._looks = 0

    def holds(self, key: Key) -> bool:
        """Whether a key is held; it comes again."""
        screen = self._app.screen
        if not key.is_forwarded and not self._held:
            self._typed_on[key] = screen
            return False
        if key.is_forwarded and self._typed_on.get(key, screen) is screen:
            return False
        self._held.append(key)
        if len(self._held) == 1:
            self._looks = 0
            self._release()
        return True

    def _release(self) -> None:
        self._looks += 1
        if self._app.screen.focused is None and self._looks < LOOKS:
            self._app.set_timer(LOOK_EVERY, self._release)
            return
        held, self._held = self._held, []
        for key in held:
            self._app.post_message(key.copy())
