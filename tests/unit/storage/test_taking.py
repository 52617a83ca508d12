from threading import Event, Thread

from storage.taking import Taking


def test_closed_gate_lets_nobody_in_until_it_is_open_again() -> None:
    gate = Taking()
    gate.close()
    with gate.taking() as may:
        assert not may
    gate.open()
    with gate.taking() as may:
        assert may
        assert gate.inside == 1
    assert gate.inside == 0


def test_close_waits_for_the_threads_inside() -> None:
    gate, is_inside, leaves, closed = Taking(), Event(), Event(), Event()

    def take() -> None:
        with gate.taking():
            is_inside.set()
            leaves.wait(30)

    def close() -> None:
        gate.close()
        closed.set()

    taker, closer = Thread(target=take), Thread(target=close)
    taker.start()
    is_inside.wait(30)
    closer.start()
    while gate.is_open:
        pass
    assert not closed.is_set()

    leaves.set()
    closer.join(30)
    taker.join(30)

    assert closed.is_set()
