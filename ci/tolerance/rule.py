"""The rule of host::judge, on the records of measure.py: how a run of n tokens is judged."""

from dataclasses import astuple, dataclass
from math import erfc, sqrt

import numpy as np

FALSE_ALARM = 1e-4


@dataclass(frozen=True)
class Limit:
    """In spreads.

    deficit: the largest of a token
    noise: standard deviation of the error in a difference of two logits; says how many ties are allowed
    value: the largest error of a logit, as difference from the engine's best
    values: their root mean square over the run
    """

    deficit: float
    noise: float
    value: float
    values: float

    def times(self, factor):
        return Limit(*(factor * x for x in astuple(self)))

    def within(self, other):
        return Limit(*map(min, astuple(self), astuple(other)))

    def preference(self, gap):
        """Probability that a right engine prefers a token that is so far behind."""
        return erfc(gap / self.noise / sqrt(2)) / 2


# The root mean square of fewer rows says little.
MIN_ROWS = 8
# Without a measured sensitivity.
CONSTANTS = Limit(0.5, 0.15, 1.0, 0.25)
# Multiples of the sensitivity: for engines of any precision, and for those that compute in f32.
ANY_PRECISION = Limit(12.0, 3.0, 20.0, 3.5)
F32 = Limit(4.0, 0.8, 10.0, 0.8)


def too_many(turned, chances):
    """Whether so many of independent trials with these chances succeed in at most FALSE_ALARM of
    runs. One is always allowed."""
    if turned <= 1:
        return False
    mean = sum(chances)
    # Between these, and only there, the distribution has to be computed.
    if turned <= mean or turned > mean + 6 * sqrt(mean) + 10:
        return turned > mean
    of = np.array([1.0])
    for chance in chances:
        of = np.append(of, 0.0) * (1 - chance) + np.append(0.0, of) * chance
    return of[turned:].sum() <= FALSE_ALARM


def mistakes(run, limit, counts):
    """What is beyond the limit in the first n tokens, for each n of `counts`: a set of `token`,
    `ties`, `value`, `values`. run: records of one prompt."""
    found, chances, turned, answers = set(), {}, set(), []
    squares = 0.0
    for i in range(max(counts)):
        chosen, token = int(run["choice"][i]), int(run["token"][i])
        for rival, gap in zip(run["rivals"][i].tolist(), run["gaps"][i].tolist()):
            if gap > limit.deficit:
                break
            pair = min(chosen, rival), max(chosen, rival)
            chances[pair] = min(chances.get(pair, 0.0) + limit.preference(gap), 1.0)
        if token != chosen:
            turned.add((min(chosen, token), max(chosen, token)))
        squares += float(run["top_rms"][i]) ** 2
        if run["deficit"][i] > limit.deficit:
            found.add("token")
        if run["top"][i] > limit.value:
            found.add("value")
        if i + 1 in counts:
            ties = {"ties"} if turned and too_many(len(turned), chances.values()) else set()
            far_off = i + 1 >= MIN_ROWS and sqrt(squares / (i + 1)) > limit.values
            values = {"values"} if far_off else set()
            answers.append(found | ties | values)
    return answers
