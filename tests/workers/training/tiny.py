"""Makes a tiny base model with random weights: `python -m tests.workers.training.tiny FOLDER`."""

import sys
from pathlib import Path

import torch
from tokenizers import ByteLevelBPETokenizer
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

SPECIAL = ["<pad>", "<s>", "</s>"]
TEMPLATE = (
    "{% for message in messages %}<s>{{ message['role'] }}: {{ message['content'] }}</s>\n"
    "{% endfor %}{% if add_generation_prompt %}<s>assistant: {% endif %}"
)
WORDS = "name sort write count the a of in and red blue green words colours numbers stories"


def make_tiny(folder: Path, *, biases: bool = False, positions: int = 256) -> Path:
    """Train a small vocabulary, draw weights, save both; about 40,000 parameters."""
    letters = ByteLevelBPETokenizer()
    letters.train_from_iterator([WORDS] * 4, vocab_size=320, special_tokens=SPECIAL)
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
            intermediate_size=48,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=positions,
            attention_bias=biases,
            mlp_bias=biases,
            pad_token_id=0,
            bos_token_id=1,
            eos_token_id=2,
        )
    )
    model.save_pretrained(folder)
    return folder


if __name__ == "__main__":
    make_tiny(Path(sys.argv[1]))
