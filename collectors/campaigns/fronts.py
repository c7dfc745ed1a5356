"""Where the front of a task really lies: sensible recipes, trained long enough, several architectures on one task.

    green-collect --campaign fronts --jobs 2

A space-filling sample says what may happen; most of it is undertrained. People choose among recipes that work: these.
"""

RATES = [0.001, 0.004]
SIZES = [1.0, 0.5]


def grid(domain: str, dataset: str, models: list[str], epochs: list[int], sizes: list[float], **knobs: object) -> dict:
    """Every architecture at every learning rate, length and share of the data."""
    fixed = {"domain": domain, "dataset": dataset, "batch_size": 32, "knobs": {"schedule": "one_cycle", **knobs}}
    varied = {"model": models, "learning_rate": RATES, "epochs": epochs, "knobs": {"data_fraction": sizes}}
    return {"grid": varied, "defaults": fixed}


IMAGES = ["mlp", "resnet-tiny", "levit-tiny", "vgg-tiny"]
TEXTS = ["bag-of-embeddings", "text-cnn", "distilbert-tiny"]
HISTORIES = ["fmc", "mean-mlp", "gru4rec", "sasrec"]

DESIGN = {
    "name": "fronts",
    "description": "sensible recipes trained to the end, several architectures a task",
    "shuffle": True,
    "designs": [
        grid("cv", "digits", IMAGES, [3, 8], SIZES),
        grid("cv", "digits-parity", IMAGES, [3, 8], SIZES),
        grid("cv", "digits-0to4", IMAGES, [3, 8], SIZES),
        grid("cv", "mnist", IMAGES, [3, 6], [0.2, 0.1], input_size=16),
        grid("cv", "fashion_mnist-coarse", IMAGES, [3, 6], [0.03, 0.015], input_size=16),
        grid("nlp", "tweets-strong", TEXTS, [3, 8], SIZES),
        grid("nlp", "amazon_reviews-strong", TEXTS, [3, 6], SIZES),
        grid("nlp", "movie_reviews-strong", TEXTS, [2, 4], SIZES),
        grid("nlp", "spam_assassin-subject", TEXTS, [2, 4], [0.5, 0.25]),
        grid("recsys", "movielens_100k-recent", HISTORIES, [5, 12], SIZES),
        grid("recsys", "movielens_100k-dense", HISTORIES, [4, 8], SIZES),
    ],
}
