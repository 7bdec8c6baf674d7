"""A served setup of the recorded run over made-up endpoints, asked by OpenAI's own client."""

import httpx2
import openai
import pytest

import selectllm_engine as sl
from fake_endpoints import FakeEndpoints, fake_llms, replayed
from paths import ROOT
from selectllm_engine.serving.application import application
from selectllm_engine.serving.desk import Desk, ServerLimits
from selectllm_engine.serving.metrics import Metrics
from selectllm_engine.setups import Setup, chooser_of

KIND = "letter+number+word"


@pytest.fixture(scope="session")
def recorded():
    """The recorded run; its endpoints' answers and questions are those of test."""
    return sl.load("reasoning", ROOT / "cache")


@pytest.fixture(scope="session")
def replay(recorded):
    return replayed(recorded)


class Served:
    """A desk, its endpoints and its application."""

    def __init__(self, run, answer, *, key="", limits=None, journal=None, llms=None, **setup):
        self.setup = Setup(**{"benchmark": run.benchmark, "kind": KIND, "pool": run.llms, **setup})
        self.endpoints = FakeEndpoints(run.llms, answer)
        llms, chooser = llms or fake_llms(run.llms), chooser_of(run, self.setup)
        limits = limits or ServerLimits(router_seconds=600.0)
        self.metrics = Metrics()
        self.desk = Desk(
            run, self.setup, chooser, llms, self.metrics, limits=limits, journal=journal, transport=self.endpoints
        )
        self.app = application(self.desk, key=key)

    def client(self, key="none", **how):
        """OpenAI's client, which asks the application itself."""
        http = httpx2.AsyncClient(transport=httpx2.ASGITransport(self.app))
        how = {"max_retries": 0, **how}
        return openai.AsyncOpenAI(base_url="http://localhost/v1", api_key=key, http_client=http, **how)

    def http(self, **headers):
        """A plain client."""
        transport = httpx2.ASGITransport(self.app)
        return httpx2.AsyncClient(transport=transport, base_url="http://localhost", headers=headers)

    def counted(self, name, **labels):
        """A counter's value."""
        return self.metrics._registry.get_sample_value(f"selectllm_{name}", labels or None) or 0.0


@pytest.fixture
async def served(recorded, replay):
    """Make a served setup of the recorded run."""
    made = []

    def make(answer=replay[0], **how):
        made.append(Served(recorded, answer, **how))
        return made[-1]

    yield make
    for each in made:
        await each.desk.close()
