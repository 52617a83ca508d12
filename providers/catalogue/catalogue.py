"""The models that customers can order. `Catalogue.order` turns a request into a priced order."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Self

from providers.base import Offer
from providers.catalogue.candidates import Candidates
from providers.catalogue.capabilities import FieldProblem, choice_problem, require_none
from providers.catalogue.cards import ModelCard
from providers.catalogue.costs import Costs
from providers.catalogue.fitting import NO_DEFAULTS, FitMode, Fitted, fit, with_defaults
from providers.catalogue.models import Model, RetiredModel, RouteEntry, RoutePolicy
from providers.catalogue.own_prices import with_own_prices
from providers.catalogue.policies import in_order_of
from providers.catalogue.previews import PreviewsHere, video_of
from providers.catalogue.reading import CatalogueFile
from providers.catalogue.route_rules import RouteRules
from providers.catalogue.servers import ALONE, ONE_EACH, Servers
from schemas.enums import Kind
from schemas.errors import CostAbovePrice, InvalidRequest
from schemas.inputs import NOTHING_KNOWN, Facts
from schemas.limits import Priority
from schemas.names import ProviderName, twin_of
from schemas.orders import GenerationRequest, Inputs, Order, Route
from schemas.reordering import planned
from schemas.setting_groups import PriceSettings


class Catalogue(RouteRules):
    """The models with at least one configured provider, and the retired models.

    A catalogue routes to accounts, or to their twins at the sandbox. No catalogue routes to both.
    """

    def __init__(
        self,
        file: CatalogueFile,
        available: frozenset[ProviderName] | Offer,
        servers: Servers = ONE_EACH,
        *,
        routes_to_twins: bool = False,
    ) -> None:
        """Makes the catalogue. Each account serves all its routes, unless `available` is an offer of certain models."""
        file = servers.added_to(file)
        super().__init__(file)
        self._file = file
        self._servers = servers
        self._offer = available if isinstance(available, Offer) else Offer(available)
        self._routes_to_twins = routes_to_twins
        self.costs = Costs(file)
        """What orders cost us at their routes."""
        self._styles = {style.name: style for style in file.styles}
        self._routes = {
            model.name: routes
            for model in file.models
            if (routes := [entry for entry in model.routes if self._offer.has(self._account(entry), entry.model)])
        }
        self._candidates = Candidates(file, self._routes, needs_sandbox=routes_to_twins)

    @classmethod
    def load(
        cls,
        available: frozenset[ProviderName] | Offer,
        prices: PriceSettings | None = None,
        servers: Mapping[ProviderName, Sequence[ProviderName]] = ALONE,
    ) -> Self:
        """The shipped catalogue with the operator's prices, for the providers that have a key.

        Args:
            servers: `Providers.servers()`.

        Raises:
            InvalidSettings: the operator's prices are wrong.
        """
        file = with_own_prices(CatalogueFile.shipped(), prices or PriceSettings())
        return cls(file, available, Servers(servers))

    @cached_property
    def _previews(self) -> PreviewsHere:
        """The previews that the configured accounts can make."""
        return PreviewsHere(self._file.previews, {model.name: model for model in self._candidates.orderable()})

    @cached_property
    def for_test_customers(self) -> "Catalogue":
        """The catalogue for the orders of test customers: the same models, with routes to twins only."""
        return Catalogue(self._file, self._offer, routes_to_twins=True)

    def models(self) -> list[ModelCard]:
        """The active and paused models, then the retired models."""
        return [
            *(self._card_of(model) for model in self._file.models if model.name in self._routes),
            *(ModelCard.of_retired(model) for model in self._file.retired),
        ]

    def routes(self) -> list[Route]:
        """The routes of all models that can be ordered, each once."""
        every = (entry for entries in self._routes.values() for entry in entries)
        return list(dict.fromkeys(Route(provider=self._account(entry), model=entry.model) for entry in every))

    def card(self, name: str) -> ModelCard | None:
        """The model with this name or alias, in any spelling that an order may use. None if there is none to see."""
        model = self._candidates.known(name)
        if isinstance(model, RetiredModel):
            return ModelCard.of_retired(model)
        return None if model is None or model.name not in self._routes else self._card_of(model)

    def _card_of(self, model: Model) -> ModelCard:
        sibling = self._previews.siblings.get(model.name)
        return ModelCard.of(model, self._styles, image_to_video=None if sibling is None else sibling.name)

    def order(self, request: GenerationRequest, facts: Facts = NOTHING_KNOWN) -> Order:
        """The complete, priced order for a request.

        Args:
            facts: the known facts of the input files.

        Raises:
            InvalidRequest: the model does not exist, is not served here, or cannot do this. Names the accepted values.
            CostAbovePrice: every route costs us more than the price.
            ModelRetired, ModelPaused: the request does not allow the successor, which the error names.
            NoSandbox: a catalogue for test customers has no twin to route to.
        """
        request, problems = self._styled(request)
        model = self._model(request, facts)
        require_none([*self._problems(model, request, facts), *problems], f"{model.name} cannot do that")
        return self._preview(model, request) if request.preview else self._complete(model, request, facts)

    def _preview(self, model: Model, request: GenerationRequest) -> Order:
        """The order for a picture of a video's first frame, and for nothing else. It says what its video will be."""
        sibling = self._previews.siblings[model.name]
        video = self._complete(sibling, video_of(request, model, sibling))
        pictures = self._previews.pictures_of(request, model)
        tries = [(self._problems(painter, picture, NOTHING_KNOWN), painter, picture) for painter, picture in pictures]
        problems, painter, picture = min(tries, key=lambda one: bool(one[0]))
        require_none(problems, f"no model here makes that picture; {painter.name} cannot do that")
        made = self._complete(painter, picture)
        return made.model_copy(update={"requested_model": request.model, "preview_of": planned(video, model.name)})

    def _complete(self, model: Model, request: GenerationRequest, facts: Facts = NOTHING_KNOWN) -> Order:
        """The complete, priced order for a request without problems."""
        inputs = model.inputs(request)
        order = Order(
            kind=model.kind,
            model=model.name,
            requested_model=request.model,
            routes=self._routes_of(model, request, inputs, facts),
            inputs=inputs,
            credits=model.price.of(inputs),
            file_extension=model.extension(inputs),
            deadline_seconds=request.deadline_seconds or model.deadline_seconds,
            counts_from_acceptance=request.deadline_seconds is not None,
            priority=Priority.of(request.priority),
            not_before=request.not_before,
            start_within=request.start_within,
            expires_in=request.expires_in,
            reference=request.reference,
            metadata=request.metadata,
            variants=model.variants_of(request),
            callback_url=request.callback_url,
        )
        self._require_affordable(order)
        return order

    def _require_affordable(self, order: Order) -> None:
        if all(self.costs.above_price(order, route) is not None for route in order.routes):
            text = f"every provider asks for more than the price of {order.credits} credits with these settings"
            raise CostAbovePrice(f"{order.model}: {text}: order another model, and tell the operator")

    def able(self, request: GenerationRequest, kind: Kind, facts: Facts = NOTHING_KNOWN) -> list[Order]:
        """The order for a request with each active model of a kind that could serve the request."""
        orders: list[Order] = []
        for model in (one for one in self._candidates.orderable() if one.kind is kind):
            with suppress(InvalidRequest):
                orders.append(self.order(request.model_copy(update={"model": model.name}), facts))
        return orders

    def fitted(
        self,
        request: GenerationRequest,
        facts: Facts = NOTHING_KNOWN,
        *,
        mode: FitMode = "nearest",
        defaults: Mapping[str, object] = NO_DEFAULTS,
    ) -> Fitted:
        """The request with settings of the model that will serve: the first that can, else the first that then can.

        Args:
            defaults: the values of a form for omitted settings. The model is chosen without them, because a value that
                the customer did not ask for must not choose a dearer model.

        Raises:
            InvalidRequest: the model does not exist, or is not served here.
            ModelRetired, ModelPaused: the request does not allow the successor, which the error names.
            NoSandbox: a catalogue for test customers has no twin to route to.
        """
        fits = [(model, fit(model, request, mode)) for model in self._candidates.of(request)]
        able = [(model, fitted) for model, fitted in fits if self._serves(model, fitted.request, facts)]
        chosen, fitted = min(able or fits[:1], key=lambda pair: bool(pair[1].changes))
        return fit(chosen, with_defaults(request, defaults), mode) if defaults else fitted

    def _serves(self, model: Model, request: GenerationRequest, facts: Facts) -> bool:
        """Whether a model can serve each output of a request."""
        one, problems = self._styled(request.model_copy(update={"number_of_outputs": 1}))
        return not problems and not self._problems(model, one, facts)

    def least_price(self, request: GenerationRequest) -> int:
        """The credits that a request costs at least. Its files can decide between models, and are not read here.

        A preview costs its picture. Where no model makes one, the order is refused anyway, and this is 0.

        Raises:
            InvalidRequest: the model does not exist, or is not served here.
            ModelRetired, ModelPaused: the request does not allow the successor, which the error names.
            NoSandbox: a catalogue for test customers has no twin to route to.
        """
        paid = [(model, request) for model in self._candidates.of(request)]
        if request.preview:
            paid = [picture for model, _ in paid for picture in self._previews.pictures_of(request, model)]
        return min((model.price.of(model.inputs(one)) for model, one in paid), default=0)

    def _styled(self, request: GenerationRequest) -> tuple[GenerationRequest, list[FieldProblem]]:
        """The request with the text of its style added to the prompt, and the problems of the style."""
        if request.style is None:
            return request, []
        style = self._styles.get(request.style)
        if style is None:
            return request, [choice_problem("style", request.style, self._styles)]
        return request.model_copy(update={"prompt": style.added_to(request.prompt)}), []

    def extends(self, model: str) -> bool:
        """Whether a model extends videos of the same account."""
        listed = self._by_name.get(model)
        return listed is not None and bool(listed.capabilities.extends)

    def extenders(self) -> list[str]:
        """The models that go on where a video ends."""
        return [model.name for model in self._candidates.orderable() if model.capabilities.continues_video]

    def extending(self, request: GenerationRequest, facts: Facts = NOTHING_KNOWN) -> list[str]:
        """The models that can go on from the video of a request, once its settings are fitted."""
        return self._able_once_fitted(self.extenders(), request, facts)

    def editing(self, request: GenerationRequest, facts: Facts = NOTHING_KNOWN) -> list[str]:
        """The models that can change the video of a request, once its settings are fitted."""
        takers = (model for model in self._candidates.orderable() if model.capabilities.max_videos)
        editors = [model.name for model in takers if not model.capabilities.continues_video]
        return self._able_once_fitted(editors, request, facts)

    def _able_once_fitted(self, names: Iterable[str], request: GenerationRequest, facts: Facts) -> list[str]:
        models = (self._by_name[name] for name in names)
        return [model.name for model in models if self._serves(model, fit(model, request, "nearest").request, facts)]

    def _problems(self, model: Model, request: GenerationRequest, facts: Facts) -> list[FieldProblem]:
        """Every problem of a request to a model, with the accounts that are configured here."""
        if request.preview:
            return self._preview_problems(model, request)
        problems = model.problems(request, facts)
        if not problems and not self._routes_from(model, request, facts):
            message = "names a video of another account than those that serve this model here"
            return [FieldProblem(field="video_urls", message=message, allowed=[])]
        return problems

    def _preview_problems(self, model: Model, request: GenerationRequest) -> list[FieldProblem]:
        """Every problem of a preview: of its model first, then of the model that makes the video from the picture."""
        sibling = self._previews.siblings.get(model.name)
        if sibling is None:
            return [self._previews.problem(model)]
        return model.problems(request, NOTHING_KNOWN) or self._problems(
            sibling, video_of(request, model, sibling), NOTHING_KNOWN
        )

    def _routes_from(self, model: Model, request: GenerationRequest, facts: Facts) -> list[Route]:
        """The routes that can serve a request. Only the account that made a video can extend it."""
        entries = self._routes[model.name]
        if model.capabilities.extends:
            origins = [known.origin for url in request.video_urls if (known := facts.get(url)) is not None]
            makers = {origin.provider for origin in origins if origin is not None}
            entries = [entry for entry in entries if makers <= {self._account(entry)}]
        return [self._route(entry) for entry in entries]

    def _routes_of(self, model: Model, request: GenerationRequest, inputs: Inputs, facts: Facts) -> list[Route]:
        """The routes that can serve a request, in the order of the model's policy."""
        routes = self._routes_from(model, request, facts)
        if model.route_policy is RoutePolicy.ORDER:
            return self._servers.spread(routes)
        weights = {self._route(entry): entry.weight for entry in model.routes}
        costs = [self.costs.at(model, route.provider, inputs) for route in routes]
        return in_order_of(model.route_policy, routes, costs, [weights[route] for route in routes])

    def _route(self, entry: RouteEntry) -> Route:
        return Route(provider=self._account(entry), model=entry.model)

    def _account(self, entry: RouteEntry) -> ProviderName:
        """The account to which this catalogue routes."""
        return twin_of(entry.provider) if self._routes_to_twins else entry.provider

    def _model(self, request: GenerationRequest, facts: Facts) -> Model:
        """The first candidate that can serve a request. If none can: the first, whose problems the error names."""
        models = self._candidates.of(request)
        if len(models) == 1:
            return models[0]
        return next((model for model in models if not self._problems(model, request, facts)), models[0])
