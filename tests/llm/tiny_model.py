"""Makes a tiny chat model with random weights; runs alone, in an environment with transformers.

Usage: python tiny_model.py SEEDS.jsonl FOLDER. It writes at least a few tokens, never sense, and
the same ones for the same prompt.
"""

import sys
from pathlib import Path

import torch
from tokenizers import ByteLevelBPETokenizer
from transformers import (
    GenerationConfig,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

SPECIAL = ["<pad>", "<s>", "</s>"]
TEMPLATE = (
    "{% for message in messages %}<s>{{ message['role'] }}: {{ message['content'] }}</s>"
    "{% endfor %}{% if add_generation_prompt %}<s>assistant: {% endif %}"
)


def make(texts: list[str], folder: Path) -> None:
    """Train a small vocabulary, draw weights, save both."""
    letters = ByteLevelBPETokenizer()
    letters.train_from_iterator(texts, vocab_size=512, special_tokens=SPECIAL)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=letters._tokenizer, pad_token="<pad>", bos_token="<s>", eos_token="</s>"
    )
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=2,
            max_position_embeddings=8192,
            pad_token_id=0,
            bos_token_id=1,
            eos_token_id=2,
        )
    )
    model.generation_config = GenerationConfig(
        min_new_tokens=8, pad_token_id=0, bos_token_id=1, eos_token_id=2
    )
    model.save_pretrained(folder)


if __name__ == "__main__":
    make(Path(sys.argv[1]).read_text(encoding="utf-8").splitlines(), Path(sys.argv[2]))
