"""How fast the product is, as ratios against peers measured in the same run."""
