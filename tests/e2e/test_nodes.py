"""Orders with a reference, and Kie's callbacks at the URLs of nodes. Only a callback ends a wait of this system."""

from urllib.parse import urlsplit

import httpx
import pytest
from pydantic import JsonValue

from tests.e2e.conftest import System
from tests.support import eventually

SMALL = {"width": 64, "height": 64}


@pytest.mark.parametrize(
    ("model", "url"),
    [
        ("nano-banana", "/api/kie-callback?imageNodeId=k123"),
        ("kling-2.6-text-to-video", "/api/kie-video-callback?videoNodeId=k123"),
        ("veo-3-fast", "/api/kie-video-callback?videoNodeId=k123"),
        ("runway-gen-3", "/api/kie-video-callback?videoNodeId=k123"),
    ],
)
@pytest.mark.parametrize("outcome", ["success", "fail"])
def test_kie_reports_on_the_node_of_an_order(system: System, model: str, url: str, outcome: str) -> None:
    is_video = "video" in url
    word = system.behave(outcome=outcome, **({"delivered": SMALL} if is_video else {}))

    seen = system.make(system.customer(), word, model=model, reference="k123")

    task = system.task(word)
    parts = urlsplit(task.call_back_url or "")
    assert f"{parts.path}?{parts.query}".startswith(f"{url}&provider=kie&generation={seen.id}&t=")
    assert seen.status == {"success": "completed", "fail": "failed"}[outcome]
    assert (system.callbacks(word, 1), task.polls) == ([200], 1)


def test_a_forged_callback_of_a_node_is_refused_and_changes_nothing(system: System) -> None:
    word = system.behave(callback="forged", seconds=1.5)

    seen = system.make(system.customer(), word, reference="k123")

    assert seen.status == "completed"
    system.callbacks(word, 2)
    by_kind = {callback.kind: callback.status for callback in system.task(word).callbacks}
    assert by_kind == {"forged": 401, "normal": 200}


def test_a_page_orders_a_video_and_polls_until_it_can_play_it(system: System) -> None:
    customer = system.customer()
    word = system.behave(delivered=SMALL)
    request: dict[str, JsonValue] = {
        "prompt": f"A paper boat at sea {word}", "duration": 5, "aspectRatio": "16:9", "frameRate": 30,
        "style": "anime", "model": "kling-2.6-text-to-video", "reference": "k123",
    }  # fmt: skip

    ordered = system.http.post("/api/video/generate", json=request, headers=customer.headers)
    job_id = ordered.raise_for_status().json()["jobId"]

    def status() -> dict[str, JsonValue]:
        answer: dict[str, JsonValue] = system.http.get(f"/api/video/{job_id}", headers=customer.headers).json()
        return answer

    done = eventually(status, lambda told: told["status"] in {"completed", "failed"})
    assert (done["status"], done["progress"], done["currentStage"]) == ("completed", 100, "completed")
    assert system.callbacks(word, 1) == [200]
    assert "/api/kie-video-callback?videoNodeId=k123&" in (system.task(word).call_back_url or "")
    video = httpx.get(str(done["videoUrl"]), trust_env=False).raise_for_status().content
    assert len(video) == done["fileSize"]
    assert httpx.get(str(done["thumbnailUrl"]), trust_env=False).is_success
    saved = system.http.get(f"/api/video/{job_id}/download", headers=customer.headers, follow_redirects=True)
    assert (saved.content, "attachment" in saved.headers["content-disposition"]) == (video, True)
