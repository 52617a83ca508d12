"""One customer's slow files do not delay the files of other customers."""

import pytest

from media import decoder
from schemas.enums import Stage
from schemas.stages import TERMINAL
from tests.integration.tasks.conftest import Life, Lives

VIDEO: dict[str, object] = {"model": "kling-2.6-text-to-video", "duration_seconds": 5}
SMALL = {"width": 64, "height": 64, "duration_seconds": 1}


def stored(lives: Lives) -> Life:
    """A generation whose result waits for the decoder."""
    life = lives.begin(VIDEO, delivered=SMALL)
    life.go(until=frozenset({Stage.STORING}))
    return life


def test_a_file_beyond_its_customers_share_is_put_off_and_counts_no_failure(
    lives: Lives, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoder, "_PATIENCE_SECONDS", 0)
    ours, theirs = stored(lives), stored(lives)
    with decoder._PLACES.taken_by(ours.customer.id), decoder._PLACES.taken_by(ours.customer.id):
        for _ in range(ours.settings.pipeline.stage_failures + 1):
            assert ours.step() is Stage.STORING
        assert (ours.row.failures, ours.row.crashes) == (0, 0)
        assert theirs.go(until=TERMINAL) is Stage.COMPLETED
    assert ours.go(until=TERMINAL) is Stage.COMPLETED
