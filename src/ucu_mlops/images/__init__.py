"""What only the image model knows: decoding, transforms, network, fine-tuning, experts."""
