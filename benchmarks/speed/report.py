"""r"""


def write():
    pass
