# tries: Nests format fields deeper than formatting allows.
# must: refused exception Max string recursion exceeded
async def main():
    template = "{0:{0:{0:{0:{0:x}}}}}"
    return template.format(1)
