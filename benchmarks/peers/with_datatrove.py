"""datatrove's InferenceRunner against an endpoint; on loopback it speaks HTTP by its own lean code.

Usage: python with_datatrove.py WORK.json, prints one JSON object. With `keeps` its checkpoints and
its cache of requests are on; without, it holds replies in memory until documents are written.
"""

import gzip
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

from datatrove.data import Document
from datatrove.pipeline.inference.run_inference import InferenceConfig, InferenceRunner
from datatrove.pipeline.inference.types import InferenceResult
from datatrove.pipeline.writers import JsonlWriter
from work import Work, given, report

RECORDS_PER_CHUNK = 500


async def roll_out(
    document: Document, generate: Callable[[dict[str, object]], Awaitable[InferenceResult]]
) -> dict[str, str]:
    """One call for one document."""
    result = await generate({"messages": [{"role": "user", "content": document.text}]})
    return {"text": result.text}


def run(work: Work) -> int:
    """Run one task over all documents and count the written ones that hold a text."""
    config = InferenceConfig(
        server_type="endpoint",
        model_name_or_path=work.model,
        endpoint_url=work.base_url.removesuffix("/v1"),
        max_concurrent_generations=work.in_flight,
        request_timeout=300.0,
        metric_interval=3600,
        server_ready_delay_sec=0.2,
    )
    output = Path(work.folder, "output")
    runner = InferenceRunner(
        rollout_fn=roll_out,
        config=config,
        output_writer=JsonlWriter(str(output), output_filename="${rank}_${chunk_index}.jsonl.gz"),
        checkpoints_local_dir=str(Path(work.folder, "checkpoints")) if work.keeps else None,
        records_per_chunk=RECORDS_PER_CHUNK,
        skip_bad_requests=not work.defaults,
    )
    runner.run(Document(text=text, id=str(n)) for n, text in enumerate(work.prompts))
    return len({document for path in output.glob("*.gz") for document in answered(path)})


def answered(path: Path) -> list[str]:
    """The ids in one output file whose text is there."""
    lines = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    return [
        line["id"] for line in lines if any(r["text"] for r in line["metadata"]["rollout_results"])
    ]


if __name__ == "__main__":
    report(run(given()))
