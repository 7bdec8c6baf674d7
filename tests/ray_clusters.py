"""Ray clusters of several nodes on this machine, with GPUs that are made up; and what kills parts of them."""

from __future__ import annotations

import contextlib
import os
import signal
from itertools import zip_longest
from pathlib import Path

from paths import TESTS

OBJECTS = 100 << 20  # bytes of a node's store


class FakeGpuCluster:
    """A head, and nodes with a GPU each that nobody has; `types` name them, `homes` are the homes of their users."""

    def __init__(self, types=("",) * 3, cpus=1, gpus=1, homes=()):
        from ray.cluster_utils import Cluster

        head = {"num_cpus": 0, "num_gpus": 0, "object_store_memory": OBJECTS, "include_dashboard": False}
        self._cluster = Cluster(initialize_head=True, head_node_args=head)
        self._cpus, self._gpus = cpus, gpus
        self.nodes = [self.add(kind, home) for kind, home in zip_longest(types, homes)]
        self.address = self._cluster.address

    def add(self, kind="", home=None):
        """A node; what the fake engine says of its hardware is `kind`."""
        resources = {f"accelerator_type:{kind}": 1} if kind else {}
        variables = {"FAKE_HARDWARE": kind} if kind else {}
        return self._cluster.add_node(
            num_cpus=self._cpus,
            num_gpus=self._gpus,
            resources=resources,
            object_store_memory=OBJECTS,
            include_dashboard=False,
            env_vars=variables if home is None else {**variables, "HOME": str(home)},
        )

    def replace_node(self, at):
        """The node dies without a word, another comes."""
        self._cluster.remove_node(self.nodes[at], allow_graceful=False)
        self.nodes[at] = self.add()

    def kill_replica(self, chance, how=signal.SIGKILL):
        """One of the processes with a replica dies; whether there was one."""
        found = self.replicas()
        if found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(chance.choice(found), how)
        return bool(found)

    def replicas(self):
        """The processes with replicas."""
        nodes = {process.process.pid for node in self.nodes for process in node.all_processes["raylet"]}
        return sorted(pid for pid, parent, name in _processes() if parent in nodes and name.startswith("ray::Replica"))

    def stop(self):
        self._cluster.shutdown()


def _processes():
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            name = (folder / "cmdline").read_bytes().partition(b"\0")[0].decode(errors="replace")
            parent = int((folder / "stat").read_text().rpartition(") ")[2].split()[1])
            yield int(folder.name), parent, name


@contextlib.contextmanager
def fake_gpu_cluster(**size):
    """A cluster whose processes find the fakes of these tests."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(TESTS), *([before] if before else [])])
    cluster = FakeGpuCluster(**size)
    try:
        yield cluster
    finally:
        cluster.stop()
        os.environ.pop("PYTHONPATH") if before is None else os.environ.update(PYTHONPATH=before)
