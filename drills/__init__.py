"""Tools that break the system on purpose and check that nothing is lost: mutants, chaos and rollout."""
