"""Drops a row with a key, a token or a private key in it."""

import re
from dataclasses import dataclass

from app.domain.filter import parts
from app.domain.records import Instance

_KEY = re.compile(
    r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"  # Amazon
    r"|\bgh[pousr]_[A-Za-z0-9]{36,}|\bgithub_pat_[A-Za-z0-9_]{40,}"
    r"|\bglpat-[A-Za-z0-9_-]{20,}"
    r"|\bsk-(?:proj-|ant-|or-)?[A-Za-z0-9_-]{20,}"  # OpenAI and who took its form
    r"|\b[rsp]k_live_[A-Za-z0-9]{20,}"
    r"|\bxox[abprs]-[A-Za-z0-9-]{10,}"
    r"|\bAIza[0-9A-Za-z_-]{35}\b"
    r"|\bhf_[A-Za-z0-9]{30,}"
    r"|\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}",  # RFC 7519
    re.ASCII,
)
# One of these is in every key; looking for them is many times faster.
_SIGNS = (
    *("PRIVATE KEY", "AKIA", "ASIA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
    *("glpat-", "sk-", "k_live_", "xox", "AIza", "hf_", "eyJ"),
)


@dataclass(frozen=True, slots=True)
class SecretKey:
    """Keys by the forms that their issuers print, as gitleaks' rules list them.

    (https://github.com/gitleaks/gitleaks)
    """

    def reason(self, instruction: str, instance: Instance) -> str | None:
        return "secret_key" if any(map(_found, parts(instruction, instance))) else None


def _found(text: str) -> bool:
    return any(sign in text for sign in _SIGNS) and _KEY.search(text) is not None
