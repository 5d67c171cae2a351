# tries: Encodes, decodes and formats text in the ordinary ways.
# must: returns ["gr\u00fc\u00df", "Z3LDvMOf", "1,234.50", "Uryyb", "    x|y   "]
import base64
import codecs


async def main():
    text = "grüß"
    packed = base64.b64encode(text.encode()).decode()
    turned = codecs.encode("Hello", "rot13")
    back = base64.b64decode(packed).decode()
    return [back, packed, f"{1234.5:,.2f}", turned, "{:>5}|{:<4}".format("x", "y")]
