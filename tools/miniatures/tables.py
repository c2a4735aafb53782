"""Tables of captions, questions and texts as the Hugging Face Hub and the authors of AG News publish them, and texts in
class folders. Every image is 8 x 8, of one colour that its number tells."""

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from .image import encoded, lines, write, write_image
from .language import CAPTIONS

REVIEWS = [("A good film, and a \"classic\".", 1), ("Dull; I left.", 0), ("素晴らしい映画でした。", 1), ("Zu lang.", 0)]
IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def class_label(*names: str) -> dict:
    return {"names": list(names), "_type": "ClassLabel"}


def parquet(file: Path, table: pa.Table, features: dict | None = None, rows_per_group: int = 4) -> None:
    """As the library `datasets` writes it, with its description of the columns in the metadata."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if features is not None:
        note = {"huggingface": json.dumps({"info": {"features": features}})}
        table = table.replace_schema_metadata(note)
    pq.write_table(table, file, row_group_size=rows_per_group)


def imdb(root: Path) -> None:
    features = {"text": {"dtype": "string", "_type": "Value"}, "label": class_label("neg", "pos")}
    for name, count, labelled in [
        ("train-00000-of-00002", 6, True),
        ("train-00001-of-00002", 4, True),
        ("test-00000-of-00001", 4, True),
        ("unsupervised-00000-of-00001", 2, False),
    ]:
        texts = [f"{REVIEWS[n % 4][0]} ({n})" for n in range(count)]
        labels = pa.array([REVIEWS[n % 4][1] if labelled else -1 for n in range(count)], pa.int64())
        parquet(root / "imdb" / "plain_text" / f"{name}.parquet", pa.table({"text": texts, "label": labels}), features)


def booleans(root: Path) -> None:
    """The Hub's conversion to parquet, of a table without ClassLabel."""
    for split, count in [("train", 6), ("test", 2)]:
        texts = [f"Win 1,000 now! ({n})" if n % 2 else f"See you at {n}." for n in range(count)]
        table = pa.table({"sms": texts, "text": texts, "label": [bool(n % 2) for n in range(count)]})
        parquet(root / "sms-spam" / "default" / split / "0000.parquet", table)


CARD = """---
pretty_name: Rotten Tomatoes
dataset_info:
  features:
  - name: text
    dtype: string
  - name: label
    dtype:
      class_label:
        names:
          '0': neg
          '1': pos
  splits:
  - name: train
    num_examples: 6
---

# Rotten Tomatoes
"""


def rotten_tomatoes(root: Path) -> None:
    """The names of the classes are in the dataset card only."""
    texts = [f"{REVIEWS[n % 4][0]} ({n})" for n in range(6)]
    labels = pa.array([REVIEWS[n % 4][1] for n in range(6)], pa.int64())
    parquet(root / "rotten_tomatoes" / "data" / "train.parquet", pa.table({"text": texts, "label": labels}))
    write(root / "rotten_tomatoes" / "README.md", CARD)


def captions(root: Path) -> None:
    cells = pa.array([{"bytes": encoded(n, n, "PNG"), "path": f"{n}.png"} for n in range(8)], IMAGE)
    parquet(
        root / "captions-parquet" / "data" / "train-00000-of-00001.parquet",
        pa.table({"image": cells, "text": CAPTIONS}),
        {"image": {"_type": "Image"}, "text": {"dtype": "string", "_type": "Value"}},
        rows_per_group=3,
    )
    folder = root / "captions-imagefolder"
    for split, first in [("train", 0), ("test", 4)]:
        for number in range(4):
            write_image(folder / split / f"{number:04}.png", first + number, number)
    rows = ["\ufefffile_name,text"]
    rows += [f'{n:04}.png,"{CAPTIONS[n]}"'.replace('"stop"', '""stop""') for n in range(4)]
    write(folder / "train" / "metadata.csv", "\r\n".join(rows) + "\r\n")
    rows = [json.dumps({"file_name": f"{n:04}.png", "text": CAPTIONS[4 + n]}) for n in range(4)]
    lines(folder / "test" / "metadata.jsonl", rows)


def visual_questions(root: Path) -> None:
    """Paths in the cells of images, and ten people's answers as the Hub's VQA v2 has them."""
    folder = root / "vqa-paths"
    rows = []
    for number in range(6):
        write_image(folder / "images" / f"{number}.png", number, number)
        answers = [{"answer": answer, "answer_id": n} for n, answer in enumerate(["no", "yes", "yes"] if number % 2 else ["no"])]
        rows.append({"image": {"bytes": None, "path": f"images/{number}.png"}, "question": "Is it, or not?", "answers": answers})
    schema = pa.schema([
        ("image", IMAGE),
        ("question", pa.string()),
        ("answers", pa.list_(pa.struct([("answer", pa.string()), ("answer_id", pa.int64())]))),
    ])
    parquet(folder / "train" / "0000.parquet", pa.Table.from_pylist(rows, schema))


def evaluation(root: Path) -> None:
    """As lmms-lab publishes COCO-Caption and RefCOCO: several answers to a question that is the same for all images."""
    cells = [{"bytes": encoded(n, n, "PNG"), "path": f"COCO_val2014_{n:012}.png"} for n in range(4)]
    answers = [CAPTIONS[:2], CAPTIONS[2:3], CAPTIONS[3:6], CAPTIONS[6:8]]
    table = {
        "question_id": [f"COCO_val2014_{n:012}.png" for n in range(4)],
        "image": pa.array(cells, IMAGE),
        "question": ["Please carefully observe the image and come up with a caption for the image"] * 4,
        "answer": answers,
        "id": list(range(4)),
        "license": [1] * 4,
        "file_name": [f"COCO_val2014_{n:012}.png" for n in range(4)],
        "height": [8] * 4,
        "width": [8] * 4,
    }
    parquet(root / "COCO-Caption" / "data" / "val-00000-of-00001.parquet", pa.table(table), {"image": {"_type": "Image"}})
    boxes = [[0.0, 0.0, 4.0, 8.0], [4.0, 2.0, 4.0, 4.0], [2.0, 2.0, 2.0, 2.0], [0.0, 4.0, 8.0, 4.0]]
    expressions = [["left, dark"], ["right one", "the right half"], ["middle"], ["bottom", "lower \"strip\""]]
    table = {
        "question_id": [str(n) for n in range(4)],
        "image": pa.array(cells, IMAGE),
        "question": ["Please carefully observe the area circled in the image and come up with a caption for the area."] * 4,
        "answer": expressions,
        "segmentation": [[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]] * 4,
        "bbox": boxes,
        "iscrowd": [0] * 4,
        "file_name": [f"COCO_train2014_{n:012}_{n}.png" for n in range(4)],
    }
    for split in ["val", "testA"]:
        parquet(root / "RefCOCO" / "data" / f"{split}-00000-of-00001.parquet", pa.table(table), {"image": {"_type": "Image"}})


def flickr30k(root: Path) -> None:
    """As nlphuji publishes it: the Hub calls all of it test, and a column tells the split."""
    cells = [{"bytes": encoded(n, n, "JPEG"), "path": f"{n}.jpg"} for n in range(4)]
    table = {
        "image": pa.array(cells, IMAGE),
        "caption": [CAPTIONS[2 * n : 2 * n + 2] for n in range(4)],
        "sentids": [[str(2 * n), str(2 * n + 1)] for n in range(4)],
        "split": ["train", "train", "val", "test"],
        "img_id": [str(n) for n in range(4)],
        "filename": [f"{n}.jpg" for n in range(4)],
    }
    parquet(root / "flickr30k-parquet" / "TEST" / "test" / "0000.parquet", pa.table(table), {"image": {"_type": "Image"}})


def caption_files(root: Path) -> None:
    """A text file beside each image, as img2dataset writes them."""
    for number, caption in enumerate(CAPTIONS):
        file = root / "caption-files" / f"{number:09}.jpg"
        write_image(file, number, number)
        write(file.with_suffix(".txt"), caption)


def trec(root: Path) -> None:
    rows = [
        "DESC:manner How did serfdom develop in and then leave Russia ?",
        "ENTY:cremat What films featured the character Popeye Doyle ?",
        "HUM:ind Who was the first to say `` \" Déjà vu \" '' , and why ?",
        "NUM:date When was Ozzy Osbourne born ?",
    ]
    for name, count in [("train_1000", 4), ("train_5500", 8), ("TREC_10", 4)]:
        lines_of = "".join(f"{rows[n % 4]}\n" for n in range(count))
        write(root / "trec" / f"{name}.label", lines_of.encode("latin-1"))


def squad_v2(root: Path) -> None:
    passage = "The Amazon is a river in South America. It is about 6,400 km long."
    asked = [("What is it?", "a river"), ("Where is it?", "South America"), ("Who owns it?", None)] * 2
    rows = [
        {
            "id": f"{n // 3}", "title": "Amazon", "context": passage, "question": question,
            "answers": {"text": [answer] if answer else [], "answer_start": [passage.index(answer)] if answer else []},
        }
        for n, (question, answer) in enumerate(asked)
    ]
    answers = pa.struct([("text", pa.list_(pa.string())), ("answer_start", pa.list_(pa.int32()))])
    schema = pa.schema([(name, pa.string()) for name in ["id", "title", "context", "question"]] + [("answers", answers)])
    for split, part in [("train", rows), ("validation", rows[:3])]:
        parquet(root / "squad_v2" / "squad_v2" / f"{split}-00000-of-00001.parquet", pa.Table.from_pylist(part, schema))


def ag_news(root: Path) -> None:
    """Zhang et al. 2015: no header, classes counted from 1, every cell in quotes, title and description."""
    folder = root / "ag_news_csv"
    news = [
        (3, "Stocks fall, again", "Short-sellers, Wall Street's band of ultra-cynics, are seeing green."),
        (4, "Rocket lands", 'A ""reusable"" rocket came back\\nand stood.'),
        (1, "Talks in Geneva", "Ministers met on Monday; nothing was signed."),
        (2, "Late goal wins cup", "In the 93rd minute, he headed it in."),
    ]
    for name, count in [("train.csv", 12), ("test.csv", 4)]:
        lines(folder / name, ['"{}","{}","{} ({})"'.format(*news[n % 4], n) for n in range(count)])
    lines(folder / "classes.txt", ["World", "Sports", "Business", "Sci/Tech"])
    write(folder / "readme.txt", "AG's News Topic Classification Dataset\n\nThe files train.csv and test.csv …\n")


def newsgroups(root: Path) -> None:
    """One message per file, named by its number, in Latin-1."""
    folder = root / "20news-bydate"
    for split, count in [("train", 3), ("test", 2)]:
        for group, first in [("alt.atheism", 49960), ("rec.autos", 101551), ("sci.space", 59497)]:
            for number in range(first, first + count):
                message = f"From: someone@example.com\nSubject: {group}\n\nA café, on {group} {number}.\n"
                write(folder / f"20news-bydate-{split}" / group / str(number), message.encode("latin-1"))


def viz_wiz(root: Path) -> None:
    """VizWiz-VQA as lmms-lab publishes it: what ten people said to a question, and what kind of answer it is."""
    table = {
        "question_id": [f"VizWiz_val_{n:08}.jpg" for n in range(6)],
        "image": pa.array([{"bytes": encoded(n % 2, n, "PNG"), "path": f"{n}.png"} for n in range(6)], IMAGE),
        "question": [f"Ok. What is {n} {{shown}} here?" for n in range(6)],
        "answers": [["soup", "unanswerable", "soup"] if n % 2 else ["ale", "ale", "a beer"] for n in range(6)],
        "category": ["other", "unanswerable"] * 3,
    }
    parquet(root / "VizWiz-VQA" / "data" / "val-00000-of-00001.parquet", pa.table(table), {"image": {"_type": "Image"}})


NAMES = [
    "imdb", "sms-spam", "rotten_tomatoes", "captions-parquet", "captions-imagefolder", "vqa-paths", "squad_v2", "ag_news_csv",
    "20news-bydate", "COCO-Caption", "RefCOCO", "flickr30k-parquet", "trec", "VizWiz-VQA",
    "caption-files",
]


def make(root: Path) -> None:
    for name in NAMES:
        shutil.rmtree(root / name, ignore_errors=True)
    for part in [imdb, booleans, rotten_tomatoes, captions, visual_questions, viz_wiz, evaluation, flickr30k, caption_files, trec, squad_v2, ag_news, newsgroups]:
        part(root)
