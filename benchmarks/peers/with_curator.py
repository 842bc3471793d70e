"""bespokelabs-curator's LLM class on its OpenAI backend, its own limits out of the way.

Usage: python with_curator.py WORK.json, prints one JSON object. tiktoken would download its
vocabulary, so a stand-in that counts a token per four characters takes its place.
"""

import sys
import types


class FourCharacters:
    """As much of a tiktoken encoding as curator asks for."""

    def encode(self, text: str, **_: object) -> list[int]:
        """A token per four characters."""
        return [0] * -(-len(text) // 4)


tiktoken = types.ModuleType("tiktoken")
tiktoken.get_encoding = lambda _: FourCharacters()
tiktoken.encoding_for_model = lambda _: FourCharacters()
tiktoken.Encoding = FourCharacters
sys.modules["tiktoken"] = tiktoken

from bespokelabs import curator  # noqa: E402 - after the stand-in
from work import Work, given, report  # noqa: E402


class Writer(curator.LLM):
    """A prompt in, its reply out."""

    def prompt(self, row: dict[str, str]) -> str:
        """What is sent."""
        return row["prompt"]

    def parse(self, row: dict[str, str], response: str) -> dict[str, str]:
        """What is kept."""
        return {"prompt": row["prompt"], "text": response}


def run(work: Work) -> int:
    """Run all prompts and count the rows that hold a text."""
    parameters = {
        "base_url": work.base_url,
        "api_key": "none",
        "max_requests_per_minute": 10**7,
        "max_tokens_per_minute": 10**12,
        "max_concurrent_requests": work.in_flight,
        "request_timeout": 300,
    }
    if not work.defaults:
        parameters["require_all_responses"] = False
    writer = Writer(model_name=work.model, backend="openai", backend_params=parameters)
    made = writer([{"prompt": prompt} for prompt in work.prompts])
    rows = getattr(made, "dataset", made)
    return sum(bool(row["text"]) for row in rows)


if __name__ == "__main__":
    report(run(given()))
