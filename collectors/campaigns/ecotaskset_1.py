"""The first EcoTaskSet: three domains, 26 tasks, 30 architectures, the knobs of all five phases, about two CPU hours.

    green-collect --campaign ecotaskset-1 --jobs 2 --dry-run

Four kinds of block: anchors (one plain recipe on every task, so that tasks can be compared), a space-filling sample
with three seeds (noise), a larger one with one seed (coverage), and knobs alone and in pairs on a fixed base (effects).
"""


def tasks(dataset: str, fractions: list[float], epochs: list[int], **knobs: object) -> list[dict]:
    """A data set at several sizes and lengths of training: cost per run is kept to seconds by choosing few examples."""
    return [
        {"dataset": dataset, "epochs": n, "knobs": {"data_fraction": fraction, **knobs}}
        for fraction in fractions
        for n in epochs
    ]


IMAGES = [
    *tasks("digits", [1.0, 0.7, 0.3], [2, 4, 7]),
    *tasks("digits-parity", [1.0, 0.5], [2, 4, 7]),
    *tasks("digits-0to4", [1.0, 0.7], [3, 5, 8]),
    *tasks("mnist", [0.1, 0.05], [2, 4], input_size=16),
    *tasks("mnist-parity", [0.1], [2, 3], input_size=16),
    *tasks("mnist-0to4", [0.3, 0.1], [2, 4], input_size=16),
    *tasks("mnist-0to4", [0.1], [2]),
    *tasks("fashion_mnist", [0.01], [2], input_size=16),
    *tasks("fashion_mnist-binary", [0.01], [2], input_size=16),
    *tasks("fashion_mnist-coarse", [0.01], [2], input_size=16),
    *tasks("fashion_mnist-tops", [0.03], [2], input_size=16),
    *tasks("fashion_mnist-footwear", [0.05], [2], input_size=16),
]
MANY_IMAGES = [
    *tasks("fashion_mnist", [1.0, 0.7, 0.3, 0.1], [1, 2]),
    *tasks("fashion_mnist-coarse", [0.5, 0.3, 0.1], [1, 2]),
    *tasks("fashion_mnist-binary", [0.3, 0.1], [1, 2]),
    *tasks("fashion_mnist-tops", [1.0, 0.7, 0.3], [1, 3]),
    *tasks("fashion_mnist-footwear", [1.0, 0.7, 0.3], [1, 3]),
    *tasks("mnist", [1.0, 0.7, 0.3], [2, 5]),
    *tasks("mnist-parity", [1.0, 0.5], [2, 5]),
]
TEXTS = [
    *tasks("tweets-strong", [1.0, 0.7], [2, 4, 6]),
    *tasks("amazon_reviews-strong", [1.0, 0.7, 0.5], [2, 3]),
    *tasks("movie_reviews-short", [0.7, 0.5, 0.3], [2, 4]),
    *tasks("movie_reviews-strong", [0.5, 0.3], [2, 3]),
    *tasks("movie_reviews", [0.2, 0.1], [2, 3]),
    *tasks("amazon_reviews", [0.5, 0.3], [2, 3]),
    *tasks("nyt_editorials", [0.3], [2, 3]),
    *tasks("tweets", [0.5, 0.3], [2, 3]),
    *tasks("all_snippets", [0.05, 0.03], [2]),
    *tasks("spam_assassin", [0.1], [2]),
    *tasks("spam_assassin-subject", [0.3, 0.1], [2, 4]),
]
MANY_TEXTS = [
    *tasks("movie_reviews", [1.0, 0.7, 0.3], [3, 6]),
    *tasks("movie_reviews-strong", [1.0, 0.5], [3, 8]),
    *tasks("amazon_reviews", [1.0, 0.7], [3, 8]),
    *tasks("nyt_editorials", [1.0, 0.5], [3, 6]),
    *tasks("tweets", [1.0, 0.7], [3, 8]),
    *tasks("all_snippets", [0.5, 0.3], [2, 3]),
    *tasks("spam_assassin", [0.7, 0.3], [2, 4]),
    *tasks("spam_assassin-subject", [1.0, 0.5], [3, 6]),
]
HISTORIES = [
    *tasks("movielens_100k", [1.0, 0.7, 0.3, 0.1], [1, 2]),
    *tasks("movielens_100k-recent", [1.0, 0.7, 0.5, 0.3], [1, 2, 4]),
    *tasks("movielens_100k-dense", [1.0, 0.7, 0.3], [1, 2, 4]),
    *tasks("movielens_100k-liked", [1.0, 0.7, 0.5, 0.3], [1, 2, 4]),
]

CONVOLUTIONS = [
    "resnet-tiny", "resnet-tiny", "vgg-tiny", "vgg-tiny", "regnet-tiny", "efficientnet-tiny", "convnextv2-tiny",
    "poolformer-tiny", "mobilenet-v1", "mobilenet-v2-tiny", "squeezenet",
]  # fmt: skip
PATCHES = ["vit-tiny", "vit-tiny", "deit-tiny", "swin-tiny", "cvt-tiny", "levit-tiny"]
WORDS = ["bag-of-embeddings", "text-cnn", "lstm"]
TRANSFORMERS = ["bert-tiny", "roberta-tiny", "electra-tiny", "distilbert-tiny", "modernbert-tiny", "gpt2-tiny"]
NO_STACK = ["albert-tiny", "bloom-tiny"]
"""One shares its blocks, the other has one kind of attention: knobs on either do not apply."""
RECOMMENDERS = ["fmc", "mean-mlp", "gru4rec", "nextitnet", "sasrec", "bert4rec", "core"]

WIDE = {"low": 0.0001, "high": 0.1, "log": True}
LOWER = {"low": 0.0001, "high": 0.02, "log": True}
KNOBS = {
    "optimizer": ["adamw", "adamw", "adamw", "sgd", "rmsprop", "lion", "adafactor"],
    "schedule": ["constant", "constant", "linear", "cosine", "one_cycle"],
    "precision": ["fp32", "fp32", "fp32", "bf16"],
    "gradient_accumulation": [1, 1, 1, 1, 2, 4],
    "early_stopping": [0, 0, 0, 1, 2],
    "width": [1.0, 1.0, 1.0, 0.5],
    "dataloader_workers": [0, 0, 0, 0, 0, 0, 0, 1],
    "inference_batch_size": [None, None, 8, 32, 128],
}
PADDING = {"dynamic_padding": [False, False, True]}
IMAGE_KNOBS = {"channels_last": [False, False, False, True]}
NOTHING: dict = {}


def each(**levels: object) -> list[dict]:
    """One combination a knob level."""
    return [
        {"knobs": {name: value}}
        for name, values in levels.items()
        for value in (values if isinstance(values, list) else [values])
    ]


SELECTION = each(data_selection=["el2n", "balanced"], data_sampling="random")
ADAPTATION = each(lora=[4, 8], freeze_backbone=True, layer_drop=["top:1", "bottom:1"], progressive_freezing=True)
MEMORY = each(gradient_checkpointing=True, attention="eager")
DEPLOYED = each(int8_dynamic=True, inference_half=True, onnx_runtime=True)
SOME_DEPLOYED = [{}, {}, {}, {}, *each(int8_dynamic=True, inference_half=True)]


def block(domain: str, n: int, seed: int, seeds: int, model: list[str], task: list[dict], rate: dict, technique: list,
          deployed: list, knobs: dict) -> dict:  # fmt: skip
    """A space-filling block over models, tasks, numbers, knobs and one technique of the group at a time."""
    space = {"model": model, "task": task, "technique": technique, "deployed": deployed, "learning_rate": rate,
             "batch_size": [16, 32, 32, 64, 128], "weight_decay": [0.0, 0.0, 0.01, 0.1]}  # fmt: skip
    defaults = {"domain": domain}
    return {"space_filling": {**space, "knobs": {**KNOBS, **knobs}}, "n": n, "seed": seed, "seeds": seeds,
            "defaults": defaults}  # fmt: skip


def group(n: int, repeated: int, seed: int, domain: str, *shape: object) -> list[dict]:
    """The same space twice: `repeated` recipes with three seeds, `n` with one."""
    return [block(domain, repeated, seed, 3, *shape), block(domain, n, seed + 1, 1, *shape)]


def effects(domain: str, base: dict, alone: list[dict], *pairs: dict) -> list[dict]:
    """A base recipe with each knob alone, and with pairs of knobs that may not add up."""
    fixed = {"domain": domain, "batch_size": 32, **base}
    return [
        {"grid": {"technique": [NOTHING, *alone]}, "defaults": fixed},
        {"list": [{"knobs": pair} for pair in pairs], "defaults": fixed},
    ]


def anchors(domain: str, models: list[str], settings: dict, *task: dict) -> dict:
    """The same recipe on every task, three seeds; only the share of the data differs, so that it takes seconds."""
    return {"grid": {"task": list(task), "model": models}, "defaults": {"domain": domain, **settings}, "seeds": 3}


def share(dataset: str, fraction: float = 1.0) -> dict:
    """A task of the anchors."""
    return {"dataset": dataset, "knobs": {"data_fraction": fraction}}


STEPS = each(
    optimizer=["sgd", "lion", "rmsprop", "adafactor"],
    schedule=["linear", "cosine", "one_cycle"],
    precision="bf16",
    gradient_accumulation=[2, 4],
    data_fraction=[0.7, 0.5, 0.3],
    width=[0.5, 2.0],
    early_stopping=1,
)

DESIGN = {
    "name": "ecotaskset-1",
    "description": "three domains, 26 tasks, 30 architectures, knobs of all five phases",
    "shuffle": True,
    "designs": [
        anchors(
            "cv", ["mlp", "resnet-tiny"], {"epochs": 3, "batch_size": 64},
            share("digits"), share("digits-parity"), share("digits-0to4"), share("mnist", 0.2),
            share("mnist-parity", 0.2), share("mnist-0to4", 0.4), share("fashion_mnist", 0.02),
            share("fashion_mnist-binary", 0.02), share("fashion_mnist-coarse", 0.02),
            share("fashion_mnist-tops", 0.05), share("fashion_mnist-footwear", 0.05),
        ),
        anchors(
            "nlp", ["bag-of-embeddings", "bert-tiny"], {"epochs": 3, "batch_size": 64},
            share("movie_reviews", 0.2), share("movie_reviews-strong", 0.4), share("movie_reviews-short", 0.5),
            share("amazon_reviews", 0.5), share("amazon_reviews-strong"), share("nyt_editorials", 0.3),
            share("tweets", 0.5), share("tweets-strong"), share("all_snippets", 0.05), share("spam_assassin", 0.1),
            share("spam_assassin-subject", 0.4),
        ),
        anchors(
            "recsys", ["fmc", "mean-mlp", "gru4rec"], {"epochs": 3, "batch_size": 64},
            share("movielens_100k", 0.5), share("movielens_100k-recent"), share("movielens_100k-dense", 0.7),
            share("movielens_100k-liked"),
        ),
        *group(220, 20, 10, "cv", CONVOLUTIONS, IMAGES, WIDE, [{}, {}, {}, *SELECTION, *each(freeze_backbone=True,
               progressive_freezing=True)], [{}, {}, {}, *DEPLOYED[1:2]], IMAGE_KNOBS),
        *group(130, 16, 20, "cv", PATCHES, IMAGES, LOWER, [{}, {}, {}, *SELECTION, *each(freeze_backbone=True,
               lora=4, gradient_checkpointing=True, progressive_freezing=True)], SOME_DEPLOYED[:-1], {}),
        *group(60, 4, 30, "cv", ["mlp"], MANY_IMAGES, WIDE, [{}, {}, *SELECTION], [{}, *DEPLOYED], {}),
        *group(120, 14, 40, "nlp", WORDS, MANY_TEXTS, WIDE, [{}, {}, *SELECTION], [{}, {}, *DEPLOYED[1:2]], PADDING),
        *group(60, 6, 45, "nlp", NO_STACK, TEXTS, LOWER, [{}, {}, *SELECTION, *each(lora=4, freeze_backbone=True)],
               SOME_DEPLOYED, PADDING),
        *group(210, 16, 50, "nlp", TRANSFORMERS, TEXTS, LOWER, [{}, {}, {}, {}, *SELECTION, *MEMORY,
               *each(lora=[4, 8], freeze_backbone=True, progressive_freezing=True)], SOME_DEPLOYED, PADDING),
        *group(430, 34, 60, "recsys", RECOMMENDERS, HISTORIES, WIDE, [{}], [{}, {}, *DEPLOYED[1:2]], PADDING),
        *effects(
            "cv", {"dataset": "digits", "model": "resnet-tiny", "epochs": 4},
            [*STEPS, *SELECTION, *DEPLOYED, *each(channels_last=True, freeze_backbone=True, low_rank_head=4,
             progressive_freezing=True, gradient_checkpointing=True, input_size=[12, 24], dataloader_workers=1)],
            {"data_fraction": 0.5, "precision": "bf16"}, {"data_fraction": 0.5, "width": 0.5},
            {"precision": "bf16", "width": 0.5}, {"data_fraction": 0.5, "data_selection": "el2n"},
            {"input_size": 24, "progressive_resizing": True}, {"width": 0.5, "int8_dynamic": True},
        ),
        *effects(
            "cv", {"dataset": "mnist-0to4", "model": "vit-tiny", "epochs": 3, "knobs": {"data_fraction": 0.3,
                   "input_size": 16}},
            [*SELECTION, *ADAPTATION, *MEMORY, *DEPLOYED, *STEPS[:8]],
            {"lora": 4, "precision": "bf16"}, {"layer_drop": "top:1", "int8_dynamic": True},
            {"layer_drop": "top:1", "width": 0.5}, {"freeze_backbone": True, "optimizer": "sgd"},
        ),
        *effects(
            "nlp", {"dataset": "amazon_reviews-strong", "model": "bert-tiny", "epochs": 3},
            [*STEPS, *SELECTION, *ADAPTATION, *MEMORY, *DEPLOYED, *each(dynamic_padding=True, input_size=[16, 24],
             dataloader_workers=1)],
            {"lora": 4, "precision": "bf16"}, {"dynamic_padding": True, "input_size": 16},
            {"layer_drop": "top:1", "width": 0.5}, {"data_fraction": 0.5, "data_selection": "el2n"},
            {"dynamic_padding": True, "precision": "bf16"}, {"layer_drop": "top:1", "int8_dynamic": True},
        ),
        *effects(
            "recsys", {"dataset": "movielens_100k-recent", "model": "sasrec", "epochs": 2},
            [*STEPS, *each(dynamic_padding=True, input_size=[8, 16], dataloader_workers=1, inference_half=True)],
            {"dynamic_padding": True, "input_size": 16}, {"data_fraction": 0.5, "precision": "bf16"},
            {"width": 0.5, "precision": "bf16"}, {"data_fraction": 0.5, "width": 0.5},
        ),
        *effects(
            "recsys", {"dataset": "movielens_100k-recent", "model": "gru4rec", "epochs": 3},
            [*STEPS, *each(dynamic_padding=True, input_size=[8, 16], inference_half=True)],
            {"dynamic_padding": True, "width": 0.5}, {"data_fraction": 0.5, "optimizer": "sgd"},
        ),
    ],
}  # fmt: skip
