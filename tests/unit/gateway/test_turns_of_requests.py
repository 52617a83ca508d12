"""Turns of requests: a burst delays its own sender."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from gateway.turns import Turn, Turns


async def _taken(turns: Turns, customer: str, held: AsyncExitStack) -> Turn:
    async with asyncio.timeout(300):
        return await held.enter_async_context(turns.of(customer))


async def _full(turns: Turns, held: AsyncExitStack) -> list[Turn]:
    """Calls of one customer that have all turns of the customer."""
    calls: list[Turn] = []
    while True:
        begun = asyncio.ensure_future(held.enter_async_context(turns.of("one")))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        if not begun.done():
            begun.cancel()
            return calls
        calls.append(begun.result())
        assert len(calls) < 100, "a customer has turns without end"


def test_a_customer_with_all_turns_delays_no_other() -> None:
    async def work() -> None:
        turns = Turns()
        async with AsyncExitStack() as held:
            assert len(await _full(turns, held)) > 1
            await _taken(turns, "another", held)

    asyncio.run(work())


def test_a_call_that_waits_lets_the_next_one_begin() -> None:
    async def work() -> None:
        turns = Turns()
        async with AsyncExitStack() as held:
            calls = await _full(turns, held)
            calls[0].give_back()
            following = await _taken(turns, "one", held)

            back = asyncio.ensure_future(calls[0].take())
            await asyncio.sleep(0)
            assert not back.done()
            following.give_back()
            async with asyncio.timeout(300):
                await back

    asyncio.run(work())


@pytest.mark.parametrize("is_cancelled", [False, True])
def test_a_call_that_asks_twice_has_one_turn(is_cancelled: bool) -> None:
    async def work() -> None:
        turns = Turns()
        async with AsyncExitStack() as held:
            calls = await _full(turns, held)
            calls[0].give_back()
            following = await _taken(turns, "one", held)
            asking = [asyncio.ensure_future(calls[0].take()) for _ in range(2)]
            await asyncio.sleep(0)
            if is_cancelled:
                asking.pop(0).cancel()
            following.give_back()
            async with asyncio.timeout(300):
                await asyncio.gather(*asking)
            calls[0].give_back()
            await _taken(turns, "one", held)
        async with AsyncExitStack() as held:
            assert len(await _full(turns, held)) == len(calls)

    asyncio.run(work())


def test_a_call_that_has_ended_gets_no_turn() -> None:
    async def work() -> None:
        turns = Turns()
        async with AsyncExitStack() as held:
            calls = await _full(turns, held)
            async with AsyncExitStack() as ended:
                calls[0].give_back()
                late = await _taken(turns, "one", ended)
                late.give_back()
                following = await _taken(turns, "one", held)
                waiting = asyncio.ensure_future(late.take())
                await asyncio.sleep(0)
            following.give_back()
            async with asyncio.timeout(300):
                await waiting
                await late.take()
            await _taken(turns, "one", held)

    asyncio.run(work())


@pytest.mark.parametrize("is_long", [False, True])
def test_a_long_request_keeps_its_short_turn_for_a_moment(is_long: bool) -> None:
    async def work() -> None:
        turns = Turns()
        async with AsyncExitStack() as held:
            others = (await _full(turns, held))[1:]
        async with AsyncExitStack() as held:
            for _ in others:
                await _taken(turns, "one", held)
            async with turns.short_of("one"):
                following = asyncio.ensure_future(_taken(turns, "one", held))
                await asyncio.sleep(0)
                assert not following.done()
                if is_long:
                    await following
            await following

    asyncio.run(work())
