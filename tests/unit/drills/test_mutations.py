from pathlib import Path

import pytest

from drills.hostile.attacks import chosen
from drills.hostile.fixes import FIXES
from drills.mutations import MUTANTS, Mutant

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("mutant", [*MUTANTS, *FIXES], ids=lambda mutant: mutant.name)
def test_mutants_passage_is_in_the_source_exactly_once(mutant: Mutant) -> None:
    assert (ROOT / mutant.file).read_text(encoding="utf-8").count(mutant.old) == 1


@pytest.mark.parametrize("fix", FIXES, ids=lambda fix: fix.name)
def test_each_name_of_attacks_against_a_fix_has_attacks(fix: Mutant) -> None:
    assert all(chosen([check]) for check in fix.checks)
