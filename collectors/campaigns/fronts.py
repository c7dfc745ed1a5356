"""Where the front of a task really lies: recipes that work, trained long enough, several architectures on every task.

    green-collect --campaign fronts --jobs 2

A space-filling sample says what may happen; most of it is undertrained. People choose among recipes that work: these.
Within a task the recipes differ in what people weigh: architecture, learning rate, length, batch size, share of the
data. Learning rates are per domain: embeddings and recommenders learn nothing useful at those of convolutions.
"""

RATES = [0.001, 0.004]
WORD_RATES = [0.003, 0.015]
HISTORY_RATES = [0.004, 0.015]
SIZES = [1.0, 0.5]


def grid(
    domain: str,
    dataset: str,
    models: list[str],
    epochs: list[int],
    sizes: list[float],
    rates: list[float] = RATES,
    **knobs: object,
) -> dict:
    """Every architecture at every learning rate, length and share of the data."""
    fixed = {"domain": domain, "dataset": dataset, "batch_size": 32, "knobs": {"schedule": "one_cycle", **knobs}}
    varied = {"model": models, "learning_rate": rates, "epochs": epochs, "knobs": {"data_fraction": sizes}}
    return {"grid": varied, "defaults": fixed}


def batches(*shape: object, sizes: list[float], **more: object) -> list[dict]:
    """As `grid`, and the larger share of the data once more in large batches."""
    small = grid(*shape, sizes, **more)
    large = grid(*shape, sizes[:1], **more)
    return [small, {**large, "defaults": {**large["defaults"], "batch_size": 128}}]


IMAGES = ["mlp", "resnet-tiny", "levit-tiny", "vgg-tiny"]
TEXTS = ["bag-of-embeddings", "text-cnn", "distilbert-tiny"]
WORDS = ["bag-of-embeddings", "text-cnn", "lstm"]
HISTORIES = ["fmc", "mean-mlp", "gru4rec", "sasrec"]
CHEAP_HISTORIES = ["fmc", "mean-mlp", "gru4rec", "nextitnet"]

DIGITS = ["digits", "digits-parity", "digits-0to4"]
SMALL_IMAGES = {"mnist": [0.2, 0.1], "fashion_mnist-coarse": [0.03, 0.015]}
MORE_IMAGES = {
    "mnist-0to4": [0.4, 0.2], "mnist-parity": [0.2, 0.1], "fashion_mnist": [0.03, 0.015],
    "fashion_mnist-binary": [0.03, 0.015], "fashion_mnist-tops": [0.06, 0.03], "fashion_mnist-footwear": [0.1, 0.05],
}  # fmt: skip
ALL_TEXTS = {
    "tweets": SIZES, "tweets-strong": SIZES, "amazon_reviews": SIZES, "amazon_reviews-strong": SIZES,
    "movie_reviews": [0.5, 0.25], "movie_reviews-short": SIZES, "movie_reviews-strong": SIZES, "nyt_editorials": SIZES,
    "all_snippets": [0.1, 0.05], "device_tweets": [0.2, 0.1], "device_tweets-phones": [0.4, 0.2],
    "spam_assassin": [0.2, 0.1], "spam_assassin-subject": [0.5, 0.25],
}  # fmt: skip
ALL_HISTORIES = {
    "movielens_100k": [0.5, 0.25], "movielens_100k-recent": SIZES, "movielens_100k-dense": SIZES,
    "movielens_100k-liked": SIZES, "movielens_100k-early": SIZES, "movielens_100k-niche": SIZES,
    "movielens_100k-active": SIZES, "movielens_100k-casual": SIZES, "movielens_small": [0.3, 0.15],
    "movielens_small-dense": SIZES, "movielens_small-casual": SIZES, "movielens_small-liked": SIZES,
}  # fmt: skip
"""Data sets and the shares taken of them, so that a run takes seconds."""

DESIGN = {
    "name": "fronts",
    "description": "recipes that work, trained to the end, several architectures on every task",
    "shuffle": True,
    "designs": [
        *(grid("cv", name, IMAGES, [3, 8], SIZES) for name in DIGITS),
        *(grid("cv", name, IMAGES, [3, 6], sizes, input_size=16) for name, sizes in SMALL_IMAGES.items()),
        grid("nlp", "tweets-strong", TEXTS, [3, 8], SIZES),
        grid("nlp", "amazon_reviews-strong", TEXTS, [3, 6], SIZES),
        grid("nlp", "movie_reviews-strong", TEXTS, [2, 4], SIZES),
        grid("nlp", "spam_assassin-subject", TEXTS, [2, 4], [0.5, 0.25]),
        grid("recsys", "movielens_100k-recent", HISTORIES, [5, 12], SIZES),
        grid("recsys", "movielens_100k-dense", HISTORIES, [4, 8], SIZES),
        *(
            block
            for name, sizes in MORE_IMAGES.items()
            for block in batches("cv", name, IMAGES, [3, 6], sizes=sizes, input_size=16)
        ),
        *(
            block
            for name, sizes in ALL_TEXTS.items()
            for block in batches("nlp", name, WORDS, [4, 10], sizes=sizes, rates=WORD_RATES)
        ),
        *(
            block
            for name, sizes in ALL_HISTORIES.items()
            for block in batches("recsys", name, CHEAP_HISTORIES, [4, 10], sizes=sizes, rates=HISTORY_RATES)
        ),
    ],
}
