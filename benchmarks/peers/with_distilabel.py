"""distilabel's TextGeneration in a pipeline of two steps, a batch as large as may be in flight.

Usage: python with_distilabel.py WORK.json, prints one JSON object. With `keeps` a second run
takes up what the first has cached, which is what `Pipeline.run` does unless told otherwise.
"""

from distilabel.models import OpenAILLM
from distilabel.pipeline import Pipeline
from distilabel.steps import LoadDataFromDicts
from distilabel.steps.tasks import TextGeneration
from work import Work, given, report


def run(work: Work) -> int:
    """Run all prompts and count the rows that hold a text."""
    with Pipeline(name="benchmark", cache_dir=work.folder) as pipeline:
        load = LoadDataFromDicts(
            data=[{"instruction": prompt} for prompt in work.prompts], batch_size=work.in_flight
        )
        llm = OpenAILLM(
            model=work.model,
            base_url=work.base_url,
            api_key="none",
            timeout=300,
            max_retries=6,
        )
        write = TextGeneration(llm=llm, input_batch_size=work.in_flight)
        load >> write
    made = pipeline.run(use_cache=work.keeps)
    return sum(bool(row["generation"]) for row in made["default"]["train"])


if __name__ == "__main__":
    report(run(given()))
