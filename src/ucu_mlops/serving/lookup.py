"""Users who come without features: looked up where features are published, and checked for use."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ucu_mlops.bundle.manifest import FeatureSpec
from ucu_mlops.errors import OnlineFeaturesError
from ucu_mlops.features.online import OnlineFeatures, Published
from ucu_mlops.serving.metrics import Counter
from ucu_mlops.serving.options import FeatureOptions
from ucu_mlops.serving.problems import NoFeaturesProblem, OnlineProblem

Row = Sequence[Any]


@dataclass(frozen=True)
class Found:
    """A user's features.

    Attributes:
        row: In the order of the model's features.
        moment: What they are as of (UTC).
    """

    row: Row
    moment: datetime


class Lookup:
    """Looks users up.

    Args:
        online: Where.
        options: What is too old, and what somebody unknown gets.
        lookups: Counts them by ``outcome``: ``found``, ``missing``, ``old``, ``foreign``,
            ``away``.
        now: The clock.

    Attributes:
        published: What was last found to be published.
    """

    def __init__(
        self,
        online: OnlineFeatures,
        options: FeatureOptions,
        lookups: Counter,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._online, self._options, self._lookups, self._now = online, options, lookups, now
        self.published: Published | None = None
        self._places: dict[str, list[int]] = {}

    async def find(self, user_id: str, version: str, features: Sequence[FeatureSpec]) -> Found:
        """Look a user up.

        Args:
            user_id: Who.
            version: The model's version, which takes
            features: these.

        Raises:
            NoFeaturesProblem: Nothing is published of them, and that is to be refused.
            OnlineProblem: What is published cannot be used for this version, or not be read.
        """
        try:
            row = await self._online.look_up(user_id)
            published = row.published if row else await self._online.published()
        except OnlineFeaturesError as error:
            raise self._refused("away", f"users cannot be looked up now: {error}") from error
        if published is None:
            raise self._refused("away", "no features are published; run kedro features publish")
        places = self._places_in(published, version, features)
        moment = row.moment if row else published.moment
        self._check_age(moment)
        if row is not None:
            self._lookups.add("found")
            return Found([row.values[place] for place in places], moment)
        self._lookups.add("missing")
        if self._options.missing == "refuse":
            raise NoFeaturesProblem(
                f"nothing is published of user {user_id!r} as of {published.as_of}; send features"
            )
        return Found([None] * len(places), moment)

    def _places_in(
        self, published: Published, version: str, features: Sequence[FeatureSpec]
    ) -> list[int]:
        """Say where the version's features are in a row; checked once per snapshot and version."""
        if published is not self.published:
            self.published, self._places = published, {}
        if version not in self._places:
            definitions = {each.name: each.definition for each in published.features}
            changed = [
                spec.name for spec in features if definitions.get(spec.name) != spec.definition
            ]
            if changed:
                raise self._refused(
                    "foreign",
                    f"version {version} was trained on another declaration of {changed} than is "
                    f"published of {published.as_of}; publish again, or retrain",
                )
            self._places[version] = [published.places[spec.name] for spec in features]
        return self._places[version]

    def _check_age(self, moment: datetime) -> None:
        limit = self._options.max_age_days
        if limit is not None and (age := self._now() - moment) > timedelta(days=limit):
            raise self._refused(
                "old",
                f"the features published are {age / timedelta(days=1):.1f} days old, "
                f"{limit:g} are allowed; run kedro features publish",
            )

    def _refused(self, outcome: str, message: str) -> OnlineProblem:
        self._lookups.add(outcome)
        return OnlineProblem(message)
