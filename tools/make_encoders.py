"""Writes test/fixtures/encoders: small CLIP, BERT, RoBERTa and GPT-2 models with tokenizers trained on made-up text, the
ids that Python's tokenizers give for 1,000 strings in many scripts, and the embeddings that PyTorch computes.

Needs torch, transformers and tokenizers. Run: python tools/make_encoders.py
"""

import gzip
import json
import random
from pathlib import Path

import torch
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import (
    BertConfig,
    BertModel,
    BertTokenizer,
    CLIPConfig,
    CLIPModel,
    CLIPTokenizer,
    GPT2Config,
    GPT2Model,
    GPT2Tokenizer,
    RobertaConfig,
    RobertaModel,
    RobertaTokenizer,
)

ROOT = Path(__file__).resolve().parent.parent / "test" / "fixtures" / "encoders"
WIDTH = 24
VOCABULARY = 700
CLASS_NAMES = [
    "tench",
    "great_white_shark",
    "Black footed Albatross",
    "n02085620-Chihuahua",
    "a photo of a dog",
    "aquarium_fih",
    "Crème brûlée",
    "三毛猫",
    "fox",
    "an extraordinarily long name of a class that needs far more tokens than all of the others do",
]
ALPHABETS = [
    "abcdefghijklmnopqrstuvwxyz",
    "etaoinshrdlu",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
    "àáâãäåæçèéêëìíîïðñòóôõöøùúûüýþÿßœŠžŁİıǆ",
    "e\u0301o\u0308a\u0323n\u0303\u0327",
    "абвгдежзийклмнопрстуфхцчшщъыьэюяЁЇЄҐ",
    "αβγδεζηθικλμνξοπρσςτυφχψωΑΣΩάέ",
    "的一是不了人我在有他这中大来上国龘㐀豈",
    "\U00020000\U0002a700\U0002b740\U0002b820\U0002b920\U0002f800",
    "ひらがなカタカナ日本語漢字ー々",
    "한국어안녕하세요조선글\u1112\u1161\u11ab",
    "ابتثجحخدذرزسشصضطظعغفقكلمنهويءآ\u064e\u0651\u0640",
    "אבגדהוזחטיכלמנסעפצקרשת\u05b0\u05bc",
    "कखगघचछजझटठडढणतथदधनपफबभमयरलवशषसहािीुूे्ंँक्ष",
    "ไทยภาษากขคงจฉชซ\u0e31\u0e34\u0e35\u0e48",
    "ກຂຄງຈ\u0eb1ကခဂဃ\u1031აბგდეՀայ",
    "0123456789",
    "٠١٢٣४५६Ⅷ²½①",
    "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
    "—–…“”‘’«»¿¡§¶†‡•‰€£¥©®™°±×÷∑√∞≠≤、。「」！？",
    "😀🐶👍🏽🇩🇪❤\ufe0f👩\u200d👩\u200d👧🏳\ufe0f\u200d🌈🫠",
]
SPACES = [" "] * 12 + ["  ", "\t", "\n", "\r\n", "\u00a0", "\u2003", "\u3000", "\u0085", "\u2028", "\u200b", "\ufeff", "\u1680", "   "]
CONTROLS = ["\x00", "\x01", "\x07", "\x1b", "\x7f", "\x9f", "\u00ad", "\u200e", "\u202e", "\ufffd", "\ue000", "\U000e0041"]
PHRASES = [
    "https://example.org/a-b_c?q=%C3%A9&x=1#top",
    "user.name+tag@mail.example.com",
    "I'll don't we've they're it's I'm he'd O'Neill 'S 'LL",
    "3.14159e-10 1,000,000 0x7F 12:34:56",
    "[CLS] [SEP] [MASK] <s> </s> <pad> <mask> <|endoftext|> <|startoftext|>",
    "a photo of a great_white_shark.",
    "n02085620-Chihuahua 001.Black_footed_Albatross",
    "ΟΔΥΣΣΕΥΣ ΣΑΣ İSTANBUL straße ﬁ ﬀ ＡＢＣ",
    "__init__ snake_case camelCase kebab-case SCREAMING",
    "x" * 120,
    "",
    " ",
    "\n\n",
    "'",
]


def word(rng: random.Random) -> str:
    alphabet = rng.choice(ALPHABETS[:3] if rng.random() < 0.5 else ALPHABETS)
    return "".join(rng.choice(alphabet) for _ in range(rng.choice([1, 2, 3, 4, 5, 6, 8, 12])))


def string(rng: random.Random) -> str:
    if rng.random() < 0.1:
        return rng.choice(PHRASES)
    parts = []
    for _ in range(rng.randint(1, 7)):
        parts.append(rng.choice(PHRASES) if rng.random() < 0.02 else word(rng))
        parts.append(rng.choice(SPACES) if rng.random() < 0.9 else rng.choice(CONTROLS))
    text = "".join(parts if rng.random() < 0.5 else parts[:-1])
    return text


def strings(seed: int, count: int) -> list[str]:
    rng = random.Random(seed)
    return [string(rng) for _ in range(count)]


CORPUS = strings(1, 3000) + CLASS_NAMES * 20


def train_wordpiece(lowercase: bool) -> dict[str, int]:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(vocab_size=VOCABULARY, special_tokens=special, limit_alphabet=250, show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    return in_order(tokenizer.get_vocab())


def train_bytes(special_first: list[str], special_last: list[str], clip: bool = False) -> tuple[dict[str, int], list]:
    """Vocabulary and merges of a byte-level BPE, with special tokens where the published ones have them."""
    suffix = "</w>" if clip else ""
    tokenizer = Tokenizer(models.BPE(end_of_word_suffix=suffix))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    if clip:
        tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
        pattern = r"""'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"""
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Split(Regex(pattern), behavior="removed", invert=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
        )
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY if not clip else VOCABULARY + 100,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        end_of_word_suffix=suffix,
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    learned = json.loads(tokenizer.to_str())["model"]["merges"]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = alphabet + ([letter + suffix for letter in alphabet] if clip else [])
    for left, right in learned:
        if left + right not in tokens:
            tokens.append(left + right)
    names = special_first + tokens + special_last
    return {name: index for index, name in enumerate(names)}, [tuple(pair) for pair in learned]


def in_order(vocabulary: dict[str, int]) -> dict[str, int]:
    return dict(sorted(vocabulary.items(), key=lambda entry: entry[1]))


def save(name: str, model, tokenizer) -> None:
    """As published: config.json, weights in half precision (to be small), tokenizer.json and tokenizer_config.json."""
    folder = ROOT / name
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save_pretrained(folder)
    if model is None:
        return
    model.half().save_pretrained(folder)
    model.float().eval()


def embed(model, tokenizer, padded_mean: bool) -> list:
    """Mean over real tokens, and mean over all positions of the batch, of the last hidden states."""
    batch = tokenizer(CLASS_NAMES, padding=True, truncation=True, max_length=40, return_tensors="pt")
    with torch.no_grad():
        hidden = model(**batch).last_hidden_state
    mask = batch["attention_mask"].unsqueeze(-1).float()
    mean = hidden.mean(1) if padded_mean else (hidden * mask).sum(1) / mask.sum(1)
    return [[round(value, 6) for value in row] for row in mean.tolist()]


def main() -> None:
    torch.manual_seed(0)
    shape = dict(hidden_size=WIDTH, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48)

    uncased = BertTokenizer(vocab=train_wordpiece(True), model_max_length=40)
    cased = BertTokenizer(vocab=train_wordpiece(False), do_lower_case=False)
    roberta_vocabulary, roberta_merges = train_bytes(["<s>", "<pad>", "</s>", "<unk>"], ["<mask>"])
    # As in the published tokenizer.json, the mask takes the space before it along.
    mask = AddedToken("<mask>", lstrip=True, normalized=False, special=True)
    roberta = RobertaTokenizer(vocab=roberta_vocabulary, merges=roberta_merges, mask_token=mask, model_max_length=40)
    gpt2_vocabulary, gpt2_merges = train_bytes([], ["<|endoftext|>"])
    gpt2 = GPT2Tokenizer(vocab=gpt2_vocabulary, merges=gpt2_merges)
    clip_vocabulary, clip_merges = train_bytes([], ["<|startoftext|>", "<|endoftext|>"], clip=True)
    clip = CLIPTokenizer(vocab=clip_vocabulary, merges=clip_merges, model_max_length=24)

    bert_model = BertModel(BertConfig(vocab_size=len(uncased), max_position_embeddings=40, **shape))
    roberta_model = RobertaModel(RobertaConfig(vocab_size=len(roberta), max_position_embeddings=42, type_vocab_size=1, layer_norm_eps=1e-5, **shape))
    gpt2_model = GPT2Model(GPT2Config(vocab_size=len(gpt2), n_positions=40, n_embd=WIDTH, n_layer=2, n_head=4, bos_token_id=len(gpt2) - 1, eos_token_id=len(gpt2) - 1))
    clip_model = CLIPModel(
        CLIPConfig(
            text_config=dict(vocab_size=len(clip), max_position_embeddings=24, bos_token_id=len(clip) - 2, eos_token_id=len(clip) - 1, pad_token_id=len(clip) - 1, projection_dim=16, **shape),
            vision_config=dict(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, image_size=32, patch_size=16, projection_dim=16),
            projection_dim=16,
        )
    )
    save("bert", bert_model, uncased)
    save("bert-cased", None, cased)
    save("roberta", roberta_model, roberta)
    save("gpt2", gpt2_model, gpt2)
    save("clip", clip_model, clip)

    tokenizers = {"bert": uncased, "bert-cased": cased, "roberta": roberta, "gpt2": gpt2, "clip": clip}
    texts = strings(2, 1000)
    ids = {name: [tokenizer(text)["input_ids"] for text in texts] for name, tokenizer in tokenizers.items()}
    # GPT-2 has RoBERTa's tokens under other ids, so its ids say nothing new: only a tenth of them.
    ids["gpt2"] = ids["gpt2"][:100]
    context = "".join(PHRASES[:8])
    pairs = {
        name: [dict(tokenizers[name](CLASS_NAMES[9], context, truncation=True, max_length=limit)) for limit in [20, 80, 101, 140, 999]]
        for name in ["bert", "roberta"]
    }
    (ROOT / "tokens.json.gz").write_bytes(
        gzip.compress(json.dumps({"texts": texts, "ids": ids, "pair": [CLASS_NAMES[9], context], "limits": [20, 80, 101, 140, 999], "pairs": pairs}, separators=(",", ":")).encode(), mtime=0)
    )

    gpt2.pad_token = gpt2.eos_token
    encoders = {"bert": (bert_model, uncased), "roberta": (roberta_model, roberta), "gpt2": (gpt2_model, gpt2)}
    expected = {
        name: {"tokens": embed(model, tokenizer, False), "padding": embed(model, tokenizer, True)}
        for name, (model, tokenizer) in encoders.items()
    }
    batch = clip(CLASS_NAMES, padding=True, truncation=True, return_tensors="pt")
    with torch.no_grad():
        features = clip_model.text_projection(clip_model.text_model(**batch).pooler_output)
    expected["clip"] = {"features": [[round(value, 6) for value in row] for row in features.tolist()]}
    (ROOT / "embeddings.json").write_text(json.dumps({"texts": CLASS_NAMES, "expected": expected}, separators=(",", ":"), ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
