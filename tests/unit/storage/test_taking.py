from storage.taking import Taking


def test_closed_gate_lets_no_thread_in_until_it_is_open_again() -> None:
    gate = Taking()
    gate.close()
    with gate.taking() as may:
        assert not may
    gate.open()
    with gate.taking() as may:
        assert may
        assert gate.inside == 1
    assert gate.inside == 0


def test_gate_is_closed_when_the_threads_inside_have_left() -> None:
    gate, is_closed = Taking(), []
    with gate.taking():
        gate.close()
        with gate.taking() as may:
            assert not may
        is_closed.append(gate.is_closed)
    is_closed.append(gate.is_closed)
    gate.open()
    is_closed.append(gate.is_closed)

    assert is_closed == [False, True, False]
