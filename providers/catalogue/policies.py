"""Puts the routes of an order into the order that the model's policy asks for."""

import random
from collections.abc import Sequence
from decimal import Decimal

from providers.catalogue.models import RoutePolicy
from schemas.orders import Route


def in_order_of(
    policy: RoutePolicy, routes: Sequence[Route], costs: Sequence[Decimal | None], weights: Sequence[int]
) -> list[Route]:
    """The routes, the preferred ones first.

    The policy `fastest` needs times of recent work, so the worker applies it: here the listed order stays.
    """
    match policy:
        case RoutePolicy.CHEAPEST:
            ranks = [Decimal("Infinity") if cost is None else cost for cost in costs]
            return [route for _, route in sorted(zip(ranks, routes, strict=True), key=lambda pair: pair[0])]
        case RoutePolicy.WEIGHTED:
            return _by_chance(routes, weights)
        case _:
            return list(routes)


def _by_chance(routes: Sequence[Route], weights: Sequence[int]) -> list[Route]:
    """A random order. Each place goes to one of the routes that are left, by weight."""
    left, order = dict(zip(routes, weights, strict=True)), []
    while left:
        (route,) = random.choices(list(left), weights=list(left.values()))  # noqa: S311 -- shares need no secrecy
        order.append(route)
        del left[route]
    return order
