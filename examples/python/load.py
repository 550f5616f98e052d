"""Loads an .hct file: python load.py my-model.hct"""

import sys

from holotensor.numpy import load_file

tensors = load_file(sys.argv[1])
for name, array in tensors.items():
    print(name, array.dtype, array.shape)
