"""The rule of host::judge, on the records of measure.py: how a run of n tokens is judged."""

from dataclasses import dataclass
from math import erfc, sqrt

FALSE_ALARM = 1e-4
NOISE_PER_SENSITIVITY = 2.0
SPREADS_PER_NOISE = 5.0


@dataclass(frozen=True)
class Limit:
    """In spreads: the largest deviation, and the standard deviation of the error in a difference of two
    logits."""

    spreads: float
    noise: float

    def preference(self, gap):
        """Probability that a right engine prefers a token that is so far behind."""
        return erfc(gap / self.noise / sqrt(2)) / 2


DEFAULT = Limit(0.5, 0.15)


def of_model(sensitivity):
    noise = NOISE_PER_SENSITIVITY * sensitivity
    return Limit(SPREADS_PER_NOISE * noise, noise)


def within(limit, other):
    return Limit(min(limit.spreads, other.spreads), min(limit.noise, other.noise))


def allowed(chances):
    """The smallest k that a sum of independent trials exceeds with a probability of FALSE_ALARM at most."""
    of = [1.0]
    for chance in chances:
        of = [a * (1 - chance) + b * chance for a, b in zip([*of, 0.0], [0.0, *of])]
    above, k = 0.0, len(of) - 1
    while k >= 0 and above + of[k] <= FALSE_ALARM:
        above += of[k]
        k -= 1
    return max(k, 0)


def mistakes(run, limit, counts):
    """What is beyond the limit in the first n tokens, for each n of `counts`: a set of `token`, `ties`,
    `value`, `values`. run: records of one prompt."""
    found, chances, turned, answers = set(), {}, set(), []
    squares = 0.0
    for i in range(max(counts)):
        chosen, token = int(run["choice"][i]), int(run["token"][i])
        for rival, gap in zip(run["rivals"][i].tolist(), run["gaps"][i].tolist()):
            if gap > limit.spreads:
                break
            pair = min(chosen, rival), max(chosen, rival)
            chances[pair] = min(chances.get(pair, 0.0) + limit.preference(gap), 1.0)
        if token != chosen:
            turned.add((min(chosen, token), max(chosen, token)))
        squares += float(run["top_rms"][i]) ** 2
        if run["deficit"][i] > limit.spreads:
            found.add("token")
        if run["top"][i] > limit.spreads:
            found.add("value")
        if i + 1 in counts:
            ties = {"ties"} if turned and len(turned) > allowed(chances.values()) else set()
            values = {"values"} if sqrt(squares / (i + 1)) > limit.noise else set()
            answers.append(found | ties | values)
    return answers
