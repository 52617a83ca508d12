"""ComfyUI's answers as states, in the words that a server was recorded with."""

from typing import Any
from uuid import uuid4

import pytest

from providers.adapters.comfyui.progress import fraction_of
from providers.adapters.comfyui.wire import Ended, Entry, History, Queue, Refusal, prefix_of, to_state, view_path
from providers.base import RemoteStatus
from schemas.enums import ErrorCode
from tests.sandbox import comfyui_recorded as recorded

RUN = "7ab39388-220a-4fbd-bb87-b5a34339252e"


def ended(outputs: dict[str, Any], *, word: str = "success", messages: list[Any] | None = None) -> Ended:
    return Ended.model_validate({"outputs": outputs, "status": {"status_str": word, "messages": messages or []}})


def file(name: str, **more: str) -> dict[str, str]:
    return {"filename": name, "subfolder": "reelworks", "type": "output", **more}


def test_video_stands_under_images() -> None:
    outputs = {"11": {"images": [file(f"{RUN}_00001_.mp4")], "animated": [True]}}
    state = to_state("comfyui", ended(outputs), prompt_id=RUN)
    assert state.status is RemoteStatus.SUCCEEDED
    assert state.result_urls == [f"/view?filename={RUN}_00001_.mp4&subfolder=reelworks&type=output"]


def test_seconds_are_those_between_the_servers_messages() -> None:
    messages = [["execution_start", {"timestamp": 1000}], ["execution_success", {"timestamp": 3500}]]
    state = to_state("comfyui", ended({"1": {"images": [file(f"{RUN}_1_.png")]}}, messages=messages), prompt_id=RUN)
    assert state.provider_seconds == 2.5


def test_file_of_another_run_is_never_a_result() -> None:
    old = {"2": {"images": [file(f"{uuid4()}_00001_.png")]}}
    state = to_state("comfyui", ended(old), prompt_id=RUN)
    assert (state.status, state.error_code) == (RemoteStatus.FAILED, ErrorCode.PROVIDER_FAILED)
    assert state.error_message == "comfyui reported success with a file of another run"
    both = {"1": {"images": [file("preview_1_.png", type="temp")]}, **old, "3": {"gifs": [file(f"{RUN}_1.mp4")]}}
    assert to_state("comfyui", ended(both), prompt_id=RUN).result_urls == [view_path(file(f"{RUN}_1.mp4"))]


def test_interrupted_work_is_cancelled_and_not_failed() -> None:
    interrupted = ["execution_interrupted", recorded.INTERRUPTED]
    assert to_state("comfyui", ended({}, word="error", messages=[interrupted]), prompt_id=RUN).status is (
        RemoteStatus.CANCELLED
    )


def test_failure_quotes_the_exception() -> None:
    state = to_state("comfyui", ended({}, word="error", messages=[["execution_error", recorded.ERROR]]), prompt_id=RUN)
    assert (state.status, state.error_message) == (RemoteStatus.FAILED, "comfyui could not generate it: rw: no")


def test_place_in_the_queue_follows_the_numbers_and_not_the_order_of_the_list() -> None:
    waiting = [recorded.record(number, f"run-{number}", {}) for number in (7, 4, 5)]
    queue = Queue(queue_running=[recorded.record(3, "run-3", {})], queue_pending=waiting)
    assert [queue.ahead_of(Entry(each)) for each in waiting] == [3, 1, 2]
    assert queue.running("run-4") is None
    assert queue.waiting("run-3") is None


def test_newest_prompt_of_a_client_is_found_in_the_history() -> None:
    history = History.model_validate({**recorded.success(0, "a", []), **recorded.success(1, "b", [])})
    assert (history.of_client("rw1"), history.of_client("rw2")) == ("b", None)


def test_prefix_is_different_for_each_run() -> None:
    assert prefix_of("a") != prefix_of("b")


@pytest.mark.parametrize(
    ("kind", "node_error", "is_about_template"),
    [
        ("prompt_outputs_failed_validation", "value_not_in_list", True),
        ("prompt_outputs_failed_validation", "value_bigger_than_max", False),
        ("missing_node_type", None, True),
    ],
)
def test_refusal_that_every_order_would_meet_is_about_the_template(
    kind: str, node_error: str | None, is_about_template: bool
) -> None:
    problem = {"type": node_error, "message": "no", "details": "ckpt_name: 'a' not in []"}
    node_errors = {"1": {"errors": [problem]}} if node_error else {}
    refusal = Refusal.model_validate({"error": {"type": kind, "message": "Failed"}, "node_errors": node_errors})
    assert refusal.is_about_template is is_about_template
    assert refusal.text == ("Failed; no: ckpt_name: 'a' not in []" if node_error else "Failed")


def test_recorded_refusals_are_told_in_the_servers_words() -> None:
    texts = [Refusal.model_validate(answer).text for _, _, answer in recorded.REFUSALS]
    failed = "Prompt outputs failed validation"
    width = "width, x, invalid literal for int() with base 10: 'x'"
    assert texts == [
        f"{failed}; Exception when validating node: '9'",
        f"{failed}; Failed to convert an input value to a INT value: {width}",
        "No prompt provided",
    ]


def test_progress_of_the_recorded_run_rises_by_its_steps_to_the_end() -> None:
    told = [message["data"]["nodes"] for message in recorded.MESSAGES["A"] if message["type"] == "progress_state"]
    fractions = [fraction_of(recorded.SUCCESS, nodes) for nodes in told]
    # Two nodes, and a node of four steps.
    assert fractions == pytest.approx([0, 1 / 6, 1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6, 5 / 6, 5 / 6, 1])


def test_progress_does_not_fall_when_a_node_finishes_that_counted_more_than_its_steps() -> None:
    graph: dict[str, Any] = {"1": {"inputs": {}}, "2": {"inputs": {}}}
    counted = {"value": 20, "max": 20}
    told: list[Any] = [
        {"1": {"state": state, **counted}, "2": {"state": "running"}} for state in ("running", "finished")
    ]
    before, after = (fraction_of(graph, nodes) for nodes in told)
    assert before == after == pytest.approx(20 / 21)


@pytest.mark.parametrize("nodes", [None, [], "x", {"9": {"state": "finished"}}, {"1": {"value": "x", "max": 0}}])
def test_progress_without_known_nodes_is_none_or_nothing(nodes: Any) -> None:
    assert not fraction_of(recorded.SUCCESS, nodes)
