"""Memory: pipelines that make room, and a job that does not fit."""

from pathlib import Path

from tests.gpu.running import png, server


def _with_memory(weights: Path, gib: float) -> Path:
    text = (weights / "models.toml").read_text().replace("memory_gib = 2", f"memory_gib = {gib}")
    path = weights / f"memory-{gib}.toml"
    path.write_text(text)
    return path


def test_the_pipeline_that_was_used_longest_ago_makes_room(weights: Path, tmp_path: Path) -> None:
    # Stable video is 7.3 MB, LTX 0.6 MB and SDXL 1.6 MB: the three do not fit, any two do.
    configuration = _with_memory(weights, 9_000_000 / 2**30)
    with server(configuration, tmp_path / "state") as models:

        def loaded() -> set[str]:
            return {name for name, each in models.pipelines().items() if each["loaded"]}

        models.ended(models.created("1", "stable-video", image=png(), steps=1))
        models.ended(models.created("2", "ltx-video", steps=2))
        assert loaded() == {"stable-video", "ltx-video"}
        models.ended(models.created("3", "sdxl-turbo", steps=1))
        assert loaded() == {"ltx-video", "sdxl-turbo"}
        models.ended(models.created("4", "ltx-video", steps=2))
        models.ended(models.created("5", "stable-video", image=png(), steps=1))
        assert loaded() == {"ltx-video", "stable-video"}
        assert models.metric('evictions_total{pipeline="stable-video"}') == 1
        assert models.metric('evictions_total{pipeline="sdxl-turbo"}') == 1
        assert models.metric('loads_total{pipeline="ltx-video"}') == 1


def test_a_job_that_does_not_fit_fails_alone(weights: Path, tmp_path: Path) -> None:
    with server(weights / "models.toml", tmp_path / "state", module="tests.gpu.unlucky") as models:
        first = models.created("fits", "sdxl-turbo", steps=1)
        large = models.created("large", prompt="too large for this device")
        broken = models.created("broken", prompt="breaks")
        after = models.created("fits again")
        assert models.ended(first)["status"] == "succeeded"
        job = models.ended(large)
        assert (job["status"], job["error"]["code"]) == ("failed", "out_of_memory")
        assert "80.00 GiB" in job["error"]["message"]
        # It was tried once more after SDXL had made room.
        assert models.metric('evictions_total{pipeline="sdxl-turbo"}') == 1
        failed = models.ended(broken)
        assert failed["error"] == {"code": "pipeline_failed", "message": "ValueError: a broken pipeline"}
        assert models.ended(after)["status"] == "succeeded"
        assert models.metric('jobs_total{outcome="out_of_memory",pipeline="ltx-video"}') == 1
