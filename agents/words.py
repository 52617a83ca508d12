"""The sentences of the tools."""

from schemas.api import GenerationResource
from schemas.enums import Kind, Status
from schemas.estimate_api import EstimateResource
from schemas.variant_api import VariantResource
from schemas.variants import VariantState

_MINUTE = 60

_USUAL = {Kind.IMAGE: "5 to 30 seconds", Kind.VIDEO: "1 to 5 minutes"}
"""The time where the model has completed nothing yet."""


def usual_time(kind: Kind, estimate: EstimateResource) -> str:
    """The usual time of an order, for people."""
    usual = estimate.usual_seconds
    if usual is None:
        return _USUAL[kind]
    low, high = max(round(usual.p50), 1), max(round(usual.p90), 1)
    if low == high:
        return _seconds(high)
    if high < 2 * _MINUTE:
        return f"{low} to {high} seconds"
    return f"{max(round(low / _MINUTE), 1)} to {round(high / _MINUTE)} minutes"


def _seconds(count: int) -> str:
    return "a second" if count == 1 else f"{count} seconds"


def started(found: GenerationResource, time: str) -> str:
    """The answer to an accepted order."""
    return (
        f"I've started generating {_thing(found)}: generation {found.id}, {found.credits.price} credits, "
        f"model {found.model}. This usually takes {time}. Call wait_for_generation with this id for the result; "
        f"the order goes on without it, too.{_promised(found)}"
    )


def _promised(found: GenerationResource) -> str:
    if not found.variants:
        return ""
    names = ", ".join(variant.name for variant in found.variants)
    return f" Its variants are made after its end, at no cost: {names}."


def again(found: GenerationResource) -> str:
    """The answer to an order that an earlier call has made."""
    return f"An earlier call with this idempotency_key made generation {found.id}. {state(found)}"


def state(found: GenerationResource) -> str:
    """How a generation stands, and the next call."""
    match found.status:
        case Status.COMPLETED:
            return f"Generation {found.id} is completed.\n\n{context(found)}{_variants(found)}"
        case Status.FAILED | Status.CANCELLED:
            return f"Generation {found.id} {_ended(found)}"
        case Status.QUEUED | Status.PROCESSING:
            wish = " You asked to cancel it: its provider has not confirmed yet." if found.cancel_requested_at else ""
            return (
                f"Generation {found.id} is {found.status}: {found.stage}, {found.progress} % done.{wish} "
                "Call wait_for_generation with this id again."
            )


def _variants(found: GenerationResource) -> str:
    """The further files of a result, a line each, and the next call where one is not made yet."""
    if not found.variants:
        return ""
    lines = [f"- {variant.name} ({variant.kind}): {_how_far(variant)}" for variant in found.variants]
    is_over = all(variant.state is not VariantState.PENDING for variant in found.variants)
    advice = "" if is_over else "\nCall get_generation with this id in some seconds for those that are pending."
    return "\n\n" + "\n".join(["Variants:", *lines]) + advice


def _how_far(variant: VariantResource) -> str:
    if variant.error is not None:
        return f"{variant.state}: {variant.error.message}"
    is_deleted = variant.state is VariantState.READY and variant.content is None
    return "deleted with its result" if is_deleted else variant.state


def _ended(found: GenerationResource) -> str:
    why = found.outcome.message if found.outcome else found.error.message if found.error else ""
    paid = "The credits were taken." if found.credits.captured else "It cost nothing."
    advice = "The same order may succeed another time." if found.outcome and found.outcome.retryable else ""
    verb = "has failed" if found.status is Status.FAILED else "was cancelled"
    return " ".join(part for part in (f"{verb}.", why, paid, advice) if part)


def context(found: GenerationResource) -> str:
    """The text about a result that a chat keeps for its model."""
    lines = [f"AI Generated {found.kind.value.capitalize()}", f"Prompt: {found.inputs.prompt}"]
    if found.kind is Kind.VIDEO and (seconds := _length(found)) is not None:
        lines.append(f"Duration: {seconds:g}s")
    if ratio := found.inputs.aspect_ratio:
        lines.append(f"Aspect Ratio: {ratio}")
    return "\n".join(lines)


def _length(found: GenerationResource) -> float | None:
    if found.inputs.duration_seconds is not None:
        return found.inputs.duration_seconds
    lengths = (asset.duration_seconds for asset in found.assets)
    return next((length for length in lengths if length is not None), None)


def _thing(found: GenerationResource) -> str:
    seconds = found.inputs.duration_seconds
    if found.kind is Kind.IMAGE:
        return "an image"
    return "a video" if seconds is None else f"a {seconds} second video"


def cost(estimate: EstimateResource, kind: Kind) -> str:
    """The answer to an estimate."""
    return f"{estimate.model} makes it for {estimate.credits} credits, usually in {usual_time(kind, estimate)}."


def question(price: int, model: str, limit: int) -> str:
    """The question to the user about an order above the limit."""
    return f"This order costs {price} credits with {model}, above the limit of {limit} for one call. Order it?"


def unconfirmed(price: int, model: str, limit: int) -> str:
    """The answer to an order above the limit without consent."""
    return (
        f"Nothing was ordered: it would cost {price} credits with {model}, and orders above {limit} need the user's "
        f"consent. Ask the user. If the user agrees, call again with the same arguments and confirm_credits: {price}."
    )


DECLINED = "Nothing was ordered: the user did not agree to the price. Do not order it again unless the user asks."
"""The answer after a refusal of the user."""
