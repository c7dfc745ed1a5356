"""`python -m collectors` is `green-collect`, so that `accelerate launch -m collectors …` works."""

from collectors.cli import main

main()
