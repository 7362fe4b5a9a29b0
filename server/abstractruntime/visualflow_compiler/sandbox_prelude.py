"""What compact Python lacks and code nodes may use: texts in compact Python, fed before the author's.

`PRELUDE` binds the modules that need no import and the function that turns the answer into JSON text
inside the sandbox: there a cycle is still a cycle and a function still a function, while the value
handed to the host would show them as text. `MODULES` are modules of the standard library that the
interpreter does not carry, written as objects; they are fed only when the author's text names them.
"""

from __future__ import annotations

from collections.abc import Mapping

MODULES_AT_HAND = ("json", "re", "math", "datetime", "itertools", "collections")

# The checks of the answer run here for good messages only; the host checks what it gets again.
PRELUDE = """
import json, re, math, datetime, itertools, collections
import json as __flow_json
class __flow_Names:
    pass
def __flow_place(value, most):
    todo = [(value, "answer", ())]
    while todo:
        item, path, above = todo.pop()
        if item is None or isinstance(item, (str, bool, int)):
            continue
        if isinstance(item, float):
            if item != item or item in (float("inf"), float("-inf")):
                return ["number", path, str(item)]
            continue
        if not isinstance(item, (dict, list, tuple)):
            return ["type", path, type(item).__name__]
        if id(item) in above:
            return ["cycle", path, ""]
        if len(above) >= most:
            return ["depth", path, ""]
        above = above + (id(item),)
        if isinstance(item, dict):
            for key in item:
                if not (key is None or isinstance(key, (str, bool, int, float))):
                    return ["key", path, type(key).__name__]
                todo.append((item[key], path + "." + str(key), above))
        else:
            for index in range(len(item)):
                todo.append((item[index], path + "[" + str(index) + "]", above))
    return None
def __flow_answer(value, most_bytes, most_depth):
    try:
        text = __flow_json.dumps(value, ensure_ascii=False, allow_nan=False)
    except Exception as error:
        return __flow_place(value, most_depth) or ["value", "answer", str(error)]
    return text if len(text) <= most_bytes else ["size", "answer", str(len(text))]
"""

_STRING = """
string = __flow_Names()
string.ascii_lowercase = "abcdefghijklmnopqrstuvwxyz"
string.ascii_uppercase = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
string.ascii_letters = string.ascii_lowercase + string.ascii_uppercase
string.digits = "0123456789"
string.hexdigits = string.digits + "abcdefABCDEF"
string.octdigits = "01234567"
string.punctuation = "!\\"#$%&'()*+,-./:;<=>?@[\\\\]^_`{|}~"
string.whitespace = " \\t\\n\\r\\x0b\\x0c"
string.printable = string.digits + string.ascii_letters + string.punctuation + string.whitespace
def __flow_capwords(s, sep=None):
    return (sep or " ").join([word.capitalize() for word in s.split(sep)])
string.capwords = __flow_capwords
__flow_string = string
"""

_STATISTICS = """
statistics = __flow_Names()
def __flow_scaled(numbers):
    parts = []
    for number in numbers:
        if isinstance(number, int):
            parts.append((int(number), 0))
        else:
            part, power = math.frexp(number)
            parts.append((int(part * 9007199254740992), power - 53))
    low = min([power for part, power in parts])
    return [part << (power - low) for part, power in parts], low
def __flow_ratio(top, bottom, power):
    return (top << power, bottom) if power >= 0 else (top, bottom << -power)
def __flow_data(name, data, least=1):
    numbers = list(data)
    if len(numbers) < least:
        raise ValueError(name + " requires at least " + str(least) + " data point" + ("s" if least > 1 else ""))
    return numbers
def __flow_mean(data):
    numbers = __flow_data("mean", data)
    whole, power = __flow_scaled(numbers)
    top, bottom = __flow_ratio(sum(whole), len(whole), power)
    return top // bottom if top % bottom == 0 and all([isinstance(n, int) for n in numbers]) else top / bottom
def __flow_fmean(data):
    numbers = __flow_data("fmean", data)
    return math.fsum(numbers) / len(numbers)
def __flow_median(data):
    numbers = sorted(__flow_data("median", data))
    half = len(numbers) // 2
    return numbers[half] if len(numbers) % 2 else (numbers[half - 1] + numbers[half]) / 2
def __flow_median_low(data):
    numbers = sorted(__flow_data("median_low", data))
    return numbers[(len(numbers) - 1) // 2]
def __flow_median_high(data):
    numbers = sorted(__flow_data("median_high", data))
    return numbers[len(numbers) // 2]
def __flow_multimode(data):
    counts = collections.Counter(list(data))
    most = max(counts.values()) if counts else 0
    return [item for item in counts if counts[item] == most]
def __flow_mode(data):
    return __flow_multimode(__flow_data("mode", data))[0]
def __flow_spread(name, data, less):
    whole, power = __flow_scaled(__flow_data(name, data, 1 + less))
    count = len(whole)
    top = count * sum([n * n for n in whole]) - sum(whole) ** 2
    return __flow_ratio(top, count * (count - less), 2 * power)
def __flow_variance_of(name, data, less):
    numbers = list(data)
    top, bottom = __flow_spread(name, numbers, less)
    return top // bottom if top % bottom == 0 and all([isinstance(n, int) for n in numbers]) else top / bottom
def __flow_root(ratio):
    top, bottom = ratio
    shift = max(0, (len(bin(bottom)) - len(bin(top))) // 2 + 70)
    scaled = (top << (2 * shift)) // bottom
    root = math.isqrt(scaled)
    rest = 0 if root * root == scaled and scaled * bottom == top << (2 * shift) else 1
    return (root * 2 + rest) / (1 << (shift + 1))
def __flow_pvariance(data):
    return __flow_variance_of("pvariance", data, 0)
def __flow_variance(data):
    return __flow_variance_of("variance", data, 1)
def __flow_pstdev(data):
    return __flow_root(__flow_spread("pstdev", data, 0))
def __flow_stdev(data):
    return __flow_root(__flow_spread("stdev", data, 1))
def __flow_quantiles(data, n=4):
    numbers = sorted(__flow_data("quantiles", data, 2))
    cuts = []
    for i in range(1, n):
        j = min(max(i * (len(numbers) + 1) // n, 1), len(numbers) - 1)
        delta = i * (len(numbers) + 1) - j * n
        cuts.append((numbers[j - 1] * (n - delta) + numbers[j] * delta) / n)
    return cuts
statistics.mean = __flow_mean
statistics.fmean = __flow_fmean
statistics.median = __flow_median
statistics.median_low = __flow_median_low
statistics.median_high = __flow_median_high
statistics.mode = __flow_mode
statistics.multimode = __flow_multimode
statistics.pvariance = __flow_pvariance
statistics.variance = __flow_variance
statistics.pstdev = __flow_pstdev
statistics.stdev = __flow_stdev
statistics.quantiles = __flow_quantiles
statistics.StatisticsError = ValueError
__flow_statistics = statistics
"""

MODULES = {"string": _STRING, "statistics": _STATISTICS}

# Methods of the built-in types, which the interpreter calls but does not show as values.
METHODS: Mapping[str, tuple[str, ...]] = {
    kind.__name__: tuple(
        name
        for name, what in vars(kind).items()
        if not name.startswith("_") and callable(what) and not isinstance(what, (classmethod, staticmethod))
    )
    for kind in (str, list, dict, set, frozenset, tuple, int, float, bytes)
}


def _asking() -> str:
    """Return `hasattr` and `getattr` that know those methods."""
    every = sorted({name for names in METHODS.values() for name in names})
    calls = ", ".join(f"{name!r}: lambda o, *a, **k: o.{name}(*a, **k)" for name in every)
    return f"""
__flow_has, __flow_get = hasattr, getattr
__flow_methods = {dict(METHODS)!r}
__flow_calls = {{{calls}}}
def __flow_method(o, name):
    return isinstance(name, str) and name in __flow_methods.get(type(o).__name__, ())
def hasattr(o, name):
    return __flow_has(o, name) or __flow_method(o, name)
def getattr(o, name, *other):
    if __flow_has(o, name) or not __flow_method(o, name):
        return __flow_get(o, name, *other)
    return lambda *a, **k: __flow_calls[name](o, *a, **k)
"""


_ASKING = _asking()


def preludes(source: str) -> list[str]:
    """Return the texts to feed before `source`, the shared one first."""
    asks = [_ASKING] if "hasattr" in source or "getattr" in source else []
    return [PRELUDE, *asks, *(text for name, text in MODULES.items() if name in source)]
