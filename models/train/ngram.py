"""An interpolated 5-gram with modified Kneser-Ney smoothing: what a model has to be better than.

Source: S. F. Chen, J. Goodman, "An Empirical Study of Smoothing Techniques for Language Modeling",
1998, section 3. Discounts are estimated from the counts of counts of each order.
"""

import math
from collections import Counter, defaultdict

import numpy as np

ORDER = 5
Gram = tuple[int, ...]


class KneserNey:
    """Probabilities of the next token."""

    def __init__(self, ids: np.ndarray, begin: int, n_vocab: int):
        """Counts the pages in `ids`, each of which starts with `begin`."""
        self.begin, self.n_vocab = begin, n_vocab
        counts: list[Counter[Gram]] = [Counter() for _ in range(ORDER + 1)]
        for context, token in predictions(ids.tolist(), begin):
            gram = (*context, token)
            counts[len(gram)][gram] += 1
        # Below the highest order, a gram counts once for each token before it. A gram at the start
        # of a page has none, and keeps its count.
        for n in range(ORDER - 1, 0, -1):
            for gram in counts[n + 1]:
                counts[n][gram[1:]] += 1
        self.counts = counts
        self.discounts = [discounts(counts[n]) if n else [0.0] * 4 for n in range(ORDER + 1)]
        self.totals: list[dict[Gram, int]] = []
        self.backoff: list[dict[Gram, float]] = []
        for n in range(ORDER + 1):
            total: dict[Gram, int] = defaultdict(int)
            mass: dict[Gram, float] = defaultdict(float)
            for gram, count in counts[n].items():
                total[gram[:-1]] += count
                mass[gram[:-1]] += self.discounts[n][min(count, 3)]
            self.totals.append(total)
            self.backoff.append(mass)

    def probability(self, context: Gram, token: int) -> float:
        """Of `token` behind `context`, at most four ids."""
        p = 1 / self.n_vocab
        for n in range(1, len(context) + 2):
            suffix = context[len(context) - n + 1 :]
            total = self.totals[n].get(suffix)
            if total is None:
                break
            count = self.counts[n].get((*suffix, token), 0)
            kept = max(count - self.discounts[n][min(count, 3)], 0)
            p = (kept + self.backoff[n][suffix] * p) / total
        return p

    def nats(self, ids: np.ndarray) -> float:
        """Minus the logarithm of the probability of all tokens but `begin`."""
        found = predictions(ids.tolist(), self.begin)
        return -sum(math.log(self.probability(context, token)) for context, token in found)


def predictions(ids: list[int], begin: int) -> list[tuple[Gram, int]]:
    """Each token with the tokens of its page before it, at most four."""
    found, start = [], 0
    for at, token in enumerate(ids):
        if token == begin:
            start = at
        else:
            found.append((tuple(ids[max(start, at - ORDER + 1) : at]), token))
    return found


def discounts(counts: Counter[Gram]) -> list[float]:
    """What is taken from a count of 0, 1, 2, and 3 or more."""
    n = Counter(min(count, 5) for count in counts.values())
    y = n[1] / (n[1] + 2 * n[2])
    return [0.0, *(k - (k + 1) * y * n[k + 1] / n[k] for k in (1, 2, 3))]
