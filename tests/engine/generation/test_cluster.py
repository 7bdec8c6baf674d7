"""Which nodes of a Ray cluster have room for replicas, without one."""

import pytest

from selectllm_engine.errors import EngineError, UnknownNameError
from selectllm_engine.generation.cluster import ANY, choose_places


def node(name, kind="", **resources):
    named = {f"accelerator_type:{kind}": 1.0} if kind else {}
    return {"NodeID": name, "Resources": {**resources, **named}, "Labels": {}}


def rooms(nodes, **asked):
    places = choose_places(nodes, **{"together": 1, "kind": None, "cpu": False, **asked})
    return {each.node: each.room for each in places}


def test_as_many_replicas_as_a_node_has_gpus_for():
    nodes = [node("a", GPU=8.0), node("b", CPU=16.0), node("c", GPU=3.0), node("d", GPU=1.0)]
    assert rooms(nodes) == {"a": 8, "c": 3, "d": 1}
    assert rooms(nodes, together=2) == {"a": 4, "c": 1}
    assert rooms(nodes, together=4) == {"a": 2}


def test_on_cpus_a_node_is_one_replicas():
    nodes = [node("a", CPU=16.0), node("b", CPU=2.0), node("head", CPU=0.0)]
    assert rooms(nodes, cpu=True) == {"a": 1, "b": 1}
    assert [each.cpus for each in choose_places(nodes, together=1, kind=None, cpu=True)] == [16, 2]


@pytest.mark.parametrize(
    ("nodes", "together", "problem"),
    [
        ([node("a", CPU=4.0)], 1, "the Ray cluster has no GPU"),
        ([node("a", GPU=2.0)], 4, "the Ray cluster has no node with 4 GPUs"),
    ],
)
def test_no_room_at_all(nodes, together, problem):
    with pytest.raises(EngineError) as caught:
        rooms(nodes, together=together)
    assert caught.value.problem == problem


def test_types_of_gpus_are_not_mixed_unless_that_is_asked_for():
    nodes = [node("a", "A100", GPU=4.0), node("b", "H100", GPU=2.0)]
    nodes[1] = {"NodeID": "b", "Resources": {"GPU": 2.0}, "Labels": {"ray.io/accelerator-type": "H100"}}
    with pytest.raises(EngineError, match=r"several types, A100, H100, .*--gpu-type A100, or --gpu-type any"):
        rooms(nodes)
    assert rooms(nodes, kind=ANY) == {"a": 4, "b": 2}
    assert rooms(nodes, kind="H100") == {"b": 2}
    with pytest.raises(UnknownNameError, match="did you mean 'H100'"):
        rooms(nodes, kind="H10")


def test_a_type_that_ray_does_not_know_may_be_another():
    nodes = [node("a", "A100", GPU=4.0), node("b", GPU=2.0), node("c", GPU=1.0)]
    with pytest.raises(EngineError, match=r"several types, A100, one unknown to Ray, .*--gpu-type A100, or"):
        rooms(nodes)
    assert rooms(nodes, kind="A100") == {"a": 4}
    assert rooms(nodes, kind="") == {"b": 2, "c": 1}
    assert rooms(nodes, kind=ANY) == {"a": 4, "b": 2, "c": 1}
    assert rooms(nodes[1:]) == {"b": 2, "c": 1}, "the replicas will tell"
