"""What levers need of the intake: the orders of retries, at the prices of today, and the price of a cancel."""

from collections.abc import Callable
from uuid import UUID

from intake.orders import Intake, Payer
from schemas.inputs import Facts
from schemas.orders import GenerationRequest, Order
from storage.levers.acting import Means


def means_of(intake: Intake) -> Means:
    """The means of an intake. An operator's retry counts for no API key."""

    def maker(customer_id: UUID, is_test: bool) -> Callable[[GenerationRequest, Facts], Order]:
        return intake.order_maker(Payer(customer_id, is_test=is_test))

    return Means(maker, intake.cancel_rule, intake.settings.pipeline)
