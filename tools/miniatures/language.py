"""Captioning, visual and text question answering, referring expressions and text classification. Every image is 8 x 8, of
one colour that its number tells."""

import json
import pickle
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from .image import encoded, lines, write, write_image

CAPTIONS = [
    "A red square, as plain as can be.",
    'A sign says "stop" beside the road.',
    "Two dogs play in the snow.",
    "Ein großer Bär schläft im Wald.",
    "猫が眠っている。",
    "A child, a ball and a dog run on the grass.",
    "The man rides a red bike.",
    "A plane lands in the rain.",
]


def captions(root):
    coco = root / "coco-captions"
    for subset, count in [("train2014", 6), ("val2014", 3)]:
        images, annotations = [], []
        for number in range(count):
            name = f"COCO_{subset}_{number:012}.jpg"
            write_image(coco / subset / name, number, number)
            images.append({"id": number, "file_name": name, "width": 8, "height": 8})
            for extra in range(2):
                text = CAPTIONS[(number + extra) % len(CAPTIONS)]
                annotations.append({"image_id": number, "id": 10 * number + extra, "caption": text})
        annotations.append({"image_id": 999, "id": 999, "caption": "Nobody knows this picture."})
        document = {"info": {"year": 2014}, "images": images, "licenses": [], "annotations": annotations}
        write(coco / "annotations" / f"captions_{subset}.json", json.dumps(document))

    rsicd = root / "rsicd"
    images = []
    for number in range(6):
        name = f"airport_{number}.jpg"
        write_image(rsicd / "RSICD_images" / name, number, number)
        sentences = [{"raw": CAPTIONS[number], "tokens": [], "imgid": number, "sentid": number}]
        images.append({"filename": name, "imgid": number, "sentences": sentences, "split": ["train", "val", "test"][number // 3]})
    write(rsicd / "dataset_rsicd.json", json.dumps({"images": images, "dataset": "rsicd"}))

    flickr8k = root / "flickr8k"
    tokens = []
    for number in range(6):
        name = f"10002{number}_a{number}.jpg"
        write_image(flickr8k / "Flicker8k_Dataset" / name, number, number)
        tokens += [f"{name}#{extra}\t{CAPTIONS[(number + extra) % len(CAPTIONS)]}" for extra in range(2)]
    write(flickr8k / "Flickr8k_text" / "Flickr8k.token.txt", "\r\n".join(tokens) + "\r\n")
    for split, numbers in [("train", range(4)), ("dev", [4]), ("test", [5])]:
        lines(flickr8k / "Flickr8k_text" / f"Flickr_8k.{split}Images.txt", [f"10002{n}_a{n}.jpg" for n in numbers])

    flickr30k = root / "flickr30k"
    rows = ["image_name| comment_number| comment"]
    for number in range(4):
        write_image(flickr30k / "flickr30k_images" / f"{number}.jpg", number, number)
        rows.append(f"{number}.jpg| 0| {CAPTIONS[number]}")
    lines(flickr30k / "results.csv", rows)

    rows = []
    for number in range(4):
        write_image(root / "captions-jsonl" / "images" / f"{number}.png", number, number)
        rows.append(json.dumps({"image": f"{number}.png", "caption": CAPTIONS[number]}, ensure_ascii=False))
    lines(root / "captions-jsonl" / "train.jsonl", rows)

    rows = []
    for number in range(4):
        write_image(root / "captions-json" / "images" / f"{number}.png", number, number)
        rows.append({"image": f"{number}.png", "captions": CAPTIONS[number:number + 2]})
    write(root / "captions-json" / "annotations" / "train.json", json.dumps(rows, ensure_ascii=False))

    style = root / "flickr-style"
    names = [f"10002{number}_a{number}.jpg" for number in range(4)]
    for number in range(4):
        write_image(style / "flickr30k_images" / f"10002{number}.jpg", number, number)
    for folder, file, text in [("humor", "funny_train", "to find its bones"), ("romantic", "romantic_train", "with its caf\xe9 love")]:
        rows = [f"A dog runs in the snow {text} {number} ." for number in range(4)]
        place = style / "FlickrStyle_v0.9" / folder
        place.mkdir(parents=True)
        # As published: the romantic captions in Latin-1, with an empty line.
        (place / f"{file}.txt").write_bytes("\n".join([*rows[:2], " ", *rows[2:]]).encode("latin-1"))
        write(place / "train.p", pickle.dumps(names, protocol=0))


def visual_questions(root):
    questions = [("What colour is it?", "red"), ("Is it a square?", "yes"), ("How many, 1 or 2?", "1")]

    vqa = root / "vqa-v2"
    asked, answered = [], []
    for number in range(9):
        text, answer = questions[number % 3]
        image, key = number // 3, 1000 + number
        write_image(vqa / "train2014" / f"COCO_train2014_{image:012}.jpg", image, image)
        asked.append({"image_id": image, "question": text, "question_id": key})
        answered.append({"question_id": key, "image_id": image, "multiple_choice_answer": answer, "answers": []})
    write(vqa / "v2_OpenEnded_mscoco_train2014_questions.json", json.dumps({"info": {}, "questions": asked}))
    write(vqa / "v2_mscoco_train2014_annotations.json", json.dumps({"info": {}, "annotations": answered}))

    clevr = root / "CLEVR_v1.0"
    for split, count in [("train", 6), ("val", 3)]:
        entries = []
        for number in range(count):
            text, answer = questions[number % 3]
            name = f"CLEVR_{split}_{number:06}.png"
            write_image(clevr / "images" / split / name, number, number)
            entries.append({"image_filename": name, "split": split, "question": text, "answer": answer, "program": []})
        write(clevr / "questions" / f"CLEVR_{split}_questions.json", json.dumps({"info": {}, "questions": entries}))

    coco = root / "coco-qa"
    for split, subset, count in [("train", "train2014", 6), ("test", "val2014", 3)]:
        for number in range(count):
            write_image(coco / subset / f"COCO_{subset}_{100 * count + number:012}.jpg", number, number)
        lines(coco / split / "questions.txt", [questions[n % 3][0].lower() for n in range(count)])
        lines(coco / split / "answers.txt", [questions[n % 3][1] for n in range(count)])
        lines(coco / split / "img_ids.txt", [str(100 * count + n) for n in range(count)])
        lines(coco / split / "types.txt", ["0"] * count)

    daquar = root / "daquar"
    for split, numbers in [("train", range(1, 7)), ("test", range(7, 9))]:
        rows = []
        for number in numbers:
            write_image(daquar / "nyu_depth_images" / f"image{number}.png", number, number)
            rows += [f"what is on the left side of the desk in the image{number} ?", ["lamp", "chair, table"][number % 2]]
        lines(daquar / f"qa.894.raw.{split}.txt", rows)

    rows = []
    for number in range(6):
        text, answer = questions[number % 3]
        image = {"bytes": encoded(number, number, "PNG"), "path": f"{number}.png"}
        rows.append({"image": image, "question": text, "answer": answer})
    entries = []
    for number in range(6):
        text, answer = questions[number % 3]
        write_image(root / "vqa-json" / "images" / f"{number}.png", number, number)
        entries.append({"image": f"{number}.png", "question": text, "answer": answer})
    write(root / "vqa-json" / "train.json", json.dumps(entries))
    (root / "vqa-parquet" / "data").mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows), root / "vqa-parquet" / "data" / "train-00000-of-00001.parquet")


def passages(root):
    passage = "The Amazon is a river in South America. It is about 6,400 km long."
    asked = [("What is the Amazon?", "a river"), ("Where is it?", "South America"), ("How long is it?", "6,400 km")]

    def document(version, impossible):
        articles = []
        for article in range(3):
            qas = [
                {"id": f"{article}-{n}", "question": text, "answers": [{"text": answer, "answer_start": passage.index(answer)}]}
                for n, (text, answer) in enumerate(asked)
            ]
            if impossible:
                qas.append({"id": f"{article}-x", "question": "Who owns it?", "answers": [], "is_impossible": True})
            articles.append({"title": f"Amazon {article}", "paragraphs": [{"context": passage, "qas": qas}]})
        return json.dumps({"version": version, "data": articles})

    write(root / "squad1.1" / "train-v1.1.json", document("1.1", False))
    write(root / "squad1.1" / "dev-v1.1.json", document("1.1", False))
    write(root / "squad2.0" / "train-v2.0.json", "\ufeff" + document("v2.0", True))
    rows = [
        {"id": str(n), "context": passage, "question": text, "answers": {"text": [answer], "answer_start": [0]}}
        for n, (text, answer) in enumerate(asked * 2)
    ]
    (root / "squad-parquet" / "plain_text").mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows), root / "squad-parquet" / "plain_text" / "train-00000-of-00001.parquet")


def expressions(root):
    for name, by in [("refcoco", "unc"), ("refcoco+", "unc"), ("refcocog", "umd")]:
        folder = root / f"{name}-data" / name
        images, annotations, refs = [], [], []
        for number in range(6):
            file = f"COCO_train2014_{number:012}.jpg"
            write_image(root / f"{name}-data" / "images" / "mscoco" / "images" / "train2014" / file, number, number)
            images.append({"id": number, "file_name": file, "width": 8, "height": 8})
            box = [number % 3, number % 2, 4.0, 2.5]
            annotations.append({"id": 50 + number, "image_id": number, "bbox": box, "category_id": 1})
            sentences = [
                {"sent": f"the {side} square", "raw": f"The {side} square", "sent_id": 10 * number + n, "tokens": []}
                for n, side in enumerate(["left", "right"])
            ]
            split = "train" if number < 4 else "testA"
            refs.append({"ref_id": number, "ann_id": 50 + number, "image_id": number, "split": split,
                         "sentences": sentences, "file_name": f"COCO_train2014_{number:012}_{number}.jpg", "category_id": 1})
        write(folder / "instances.json", json.dumps({"info": {}, "images": images, "annotations": annotations}))
        write(folder / f"refs({by}).p", pickle.dumps(refs, protocol=0))


def texts(root):
    reviews = [("A good film, and a \"classic\".", "pos"), ("Dull; I left.", "neg")]
    imdb = root / "aclImdb"
    for split, count in [("train", 6), ("test", 4)]:
        for number in range(count):
            text, label = reviews[number % 2]
            write(imdb / split / label / f"{number}_{9 if label == 'pos' else 1}.txt", f"{text} ({number})")
    rows = ["\ufefftext,label"]
    rows += ['"{}",{}'.format(text.replace('"', '""'), label) for text, label in reviews * 3]
    write(root / "text-csv" / "train.csv", "\r\n".join(rows) + "\r\n")
    lines(root / "text-jsonl" / "train.jsonl", [json.dumps({"sentence": t, "label": int(k == "pos")}) for t, k in reviews * 3])


NAMES = [
    "coco-captions", "rsicd", "flickr8k", "flickr30k", "captions-jsonl", "captions-json", "flickr-style", "vqa-v2", "CLEVR_v1.0", "coco-qa", "daquar",
    "vqa-json", "vqa-parquet", "squad1.1", "squad2.0", "squad-parquet", "refcoco-data", "refcoco+-data", "refcocog-data", "aclImdb",
    "text-csv", "text-jsonl",
]


def make(root: Path) -> None:
    for name in NAMES:
        shutil.rmtree(root / name, ignore_errors=True)
    for part in [captions, visual_questions, passages, expressions, texts]:
        part(root)
