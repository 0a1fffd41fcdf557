"""What drawn pictures can show; known without the libraries that draw it."""

LABELS = ("qr_code", "matrix_code", "linear_barcode")
