"""The names that compact Python knows: what an editor may offer while an author writes.

A test asks the sandbox itself about every one of them, so the list cannot promise what is not there.
"""

from __future__ import annotations

from collections.abc import Mapping

FUNCTIONS: tuple[str, ...] = (
    "abs",
    "all",
    "any",
    "bool",
    "chr",
    "dict",
    "divmod",
    "enumerate",
    "filter",
    "float",
    "format",
    "frozenset",
    "getattr",
    "hasattr",
    "hex",
    "int",
    "isinstance",
    "len",
    "list",
    "map",
    "max",
    "min",
    "next",
    "ord",
    "pow",
    "print",
    "range",
    "repr",
    "reversed",
    "round",
    "set",
    "sorted",
    "str",
    "sum",
    "tuple",
    "type",
    "zip",
)
CONSTANTS = ("False", "None", "True")
ERRORS = ("Exception", "IndexError", "KeyError", "TypeError", "ValueError", "ZeroDivisionError")
WORDS: tuple[str, ...] = (
    "and",
    "assert",
    "break",
    "continue",
    "def",
    "elif",
    "else",
    "except",
    "finally",
    "for",
    "if",
    "import",
    "in",
    "is",
    "lambda",
    "not",
    "or",
    "pass",
    "raise",
    "return",
    "try",
    "while",
)

MEMBERS: Mapping[str, tuple[str, ...]] = {
    module: tuple(names.split())
    for module, names in {
        "collections": "Counter defaultdict deque namedtuple",
        "datetime": "date datetime time timedelta timezone",
        "itertools": (
            "accumulate chain combinations compress count cycle dropwhile filterfalse groupby islice pairwise "
            "permutations product repeat starmap takewhile zip_longest"
        ),
        "json": "dumps loads",
        "math": (
            "ceil comb copysign cos degrees dist e exp factorial floor fmod fsum gcd hypot inf isclose isfinite "
            "isnan isqrt lcm log log10 log2 nan perm pi pow prod radians sin sqrt tan tau trunc"
        ),
        "re": "DOTALL IGNORECASE MULTILINE compile escape findall finditer fullmatch match search split sub",
        "statistics": "fmean mean median median_high median_low mode multimode pstdev pvariance quantiles stdev variance",
        "string": "ascii_letters ascii_lowercase ascii_uppercase capwords digits hexdigits punctuation whitespace",
    }.items()
}


def offered() -> dict[str, object]:
    """Return all names as plain data: functions, constants, errors, words, and modules with their members."""
    return {
        "functions": list(FUNCTIONS),
        "constants": list(CONSTANTS),
        "errors": list(ERRORS),
        "words": list(WORDS),
        "modules": {module: list(names) for module, names in MEMBERS.items()},
    }
