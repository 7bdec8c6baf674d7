"""The main screen: keys, clicks and the palette change its state or do something; the base class shows it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.actions import SkipAction

from selectllm_engine.errors import SelectLLMError
from selectllm_tui.keymap_lookup import bindings, why_not
from selectllm_tui.keys import NAMED, key_name, keys_in
from selectllm_tui.screens.actions import action, chosen
from selectllm_tui.screens.state_screen import StateScreen
from selectllm_tui.transitions import from_the_top
from selectllm_tui.view import LLM_COLUMN
from selectllm_tui.widgets.keybar import KeyBar
from selectllm_tui.widgets.rows import RowTable
from selectllm_tui.widgets.side import PoolStrip, Side, SliderTable

if TYPE_CHECKING:
    from textual.binding import BindingType
    from textual.events import Key

    from selectllm_tui.commands import Command

__all__ = ["MainScreen"]


class MainScreen(StateScreen):
    """Does what keys, clicks and the palette say, or says why it can't: a transition of the state, or an action."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("main", "screen")

    def on_key(self, event: Key) -> None:
        """A prefix takes the next key, which may come at once: neither waits for the other's way through the app."""
        keys, bar = keys_in(self.app), self.query_one(KeyBar)
        if bar.prefix:
            event.stop()
            self.await_llm(on=False)
            if (switch := keys.llm_switch(event.key)) is not None:
                self.perform(switch)
            elif event.key not in keys.of(NAMED["back"]):
                self.say(f"no LLM has the key {key_name(event.key)}")
        elif event.key in keys.of(NAMED["switch_llm"]):
            event.stop()
            self.perform(NAMED["switch_llm"])

    def on_click(self) -> None:
        """Whoever takes the mouse wants no key taken."""
        self.await_llm(on=False)

    def on_screen_suspend(self) -> None:
        """Nor whoever opens what hears other keys."""
        self.await_llm(on=False)

    def action_press(self, name: str) -> None:
        """Does a command of the table; a letter of the pool that no LLM has does what it does elsewhere."""
        command = NAMED[name]
        if command.scope == "pool" and command.llm is not None and command.llm >= len(self.model.space.llms):
            raise SkipAction
        self.perform(command)

    def perform(self, command: Command) -> None:
        """Does a command, or says why it can't."""
        self._note_question()
        if reason := why_not(command, self.context()):
            self.say(f"{command.title}: {keys_in(self.app).worded(reason)}")
            return
        if command.do is None:
            action(command.name)(self)
            return
        try:
            self.set_state(command.do(self.context()))
        except SelectLLMError as error:
            self.say(keys_in(self.app).worded(str(error)))
        if command.name in {"sort", "reverse"} and (sort := self.state.view.sort_of(self.state.view.tab)):
            table = self.tab.table if self.tab is not None else None
            if table is not None and not table.shows(sort[0]):
                self.say(f"sorted by {sort[0].removeprefix(LLM_COLUMN).replace('_', ' ')}", "accent")

    @on(KeyBar.Pressed)
    async def _key_clicked(self, message: KeyBar.Pressed) -> None:
        command = message.command
        bound = self.active_bindings.get(keys_in(self.app).of(command)[0])
        if command.llm is not None:
            self.say("press a number to switch that LLM")
        elif command.scope == "main":
            self.perform(command)
        elif bound is not None and bound.binding.id == command.setting:
            await self.app.run_action(bound.binding.action, bound.node)
        else:
            self.say(f"{command.title}: not in the part of the screen that has the keys")

    def change(self, **choice: Any) -> None:
        """Another router, policy or split by name; what the cache has lost meanwhile stays as it is."""
        self.set_state(self.state.change(replace(self.state.setup, **choice).fit(self.model.space)))

    @on(RowTable.Chosen)
    def _chosen(self, message: RowTable.Chosen) -> None:
        tab = self.tab
        try:
            if tab is not None and tab in message.table.ancestors:
                self.perform(NAMED["open"])
            elif state := chosen(self, message.table.id or "", message.key):
                self.set_state(state)
        except SelectLLMError as error:
            self.say(str(error))

    @on(RowTable.HeaderPicked)
    def _sort_picked(self, message: RowTable.HeaderPicked) -> None:
        view = self.state.view
        current = view.sort_of(view.tab)
        same = current is not None and current[0] == message.column
        descending = not current[1] if current and same else from_the_top(view.tab, message.column)
        self.set_state(self.state.look(sorts=view.sorted_by(view.tab, message.column, descending=descending).sorts))

    @on(SliderTable.Slid)
    def _slid(self, message: SliderTable.Slid) -> None:
        setup, space = self.state.setup, self.model.space
        if message.table.id == "limits":
            limits = self.state.view.limits.slid(space.stops, message.key, message.step)
            self.set_state(self.state.look(limits=limits))
            return
        if message.key == "K":
            changed = setup.with_k(space, message.step)
        else:
            changed = setup.with_parameter(space, message.step, message.key)
        self.set_state(self.state.change(changed))

    @on(PoolStrip.Toggled)
    def _strip_clicked(self, message: PoolStrip.Toggled) -> None:
        self.toggle(message.llm)

    @on(RowTable.Moved)
    def _moved(self, message: RowTable.Moved) -> None:
        if message.table.id == "pool":
            self.query_one(Side).tell(self.facts)
        self.show_edge()
        self._note_question()
        self.refresh_context()

    def on_plot_walked(self) -> None:
        """Other keys can act on another point."""
        self.refresh_context()

    @on(RowTable.Pointed)
    def _pointed(self, message: RowTable.Pointed) -> None:
        tab = self.tab
        if tab is not None and message.table is tab.table:
            self.pointed = message.column
            self.show_edge()

    def _note_question(self) -> None:
        """The question under the cursor of the list is the one that the next key means."""
        if self.state.view.tab == "questions" and (tab := self.tab) is not None and tab.id == "tab-questions":
            self.state = self.state.look(question=tab.row or self.state.view.question)
