"""What an endpoint reads out of a server's errors; the whole conversation is tested with the engine."""

import pytest

from selectllm_engine.generation import endpoint


@pytest.mark.parametrize("said", ["", "soon", "-3", "nan", "1e999", "Wed, 21 Oct 99999 07:28:00 GMT", "9999999"])
def test_a_strange_retry_after_asks_for_nothing(said):
    class Answer:
        headers = {"retry-after": said}  # noqa: RUF012

    class BusyError(Exception):
        response = Answer()

    assert endpoint._asked(BusyError()) == 0
    assert endpoint._asked(ValueError()) == 0
