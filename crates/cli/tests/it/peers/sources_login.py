"""A person in a real browser: adds an external source, logs in for it at its authorization server, and out again.

Arguments: the folder for screenshots, the name and the password of the account, the address of the admin door, the
ports of the source and of its authorization server.
"""

import re
import sys

from person import browser_page, sign_in
from playwright.sync_api import expect

PICTURES, NAME, PASSWORD, ADMIN, SOURCE, ISSUER = sys.argv[1:7]

with browser_page(console=False) as page:

    def picture(name: str) -> None:
        page.screenshot(path=f"{PICTURES}/{name}.png", full_page=True)

    page.goto(f"{ADMIN}/login")
    sign_in(page, ADMIN, NAME, PASSWORD)

    page.goto(f"{ADMIN}/servers")
    page.get_by_role("link", name="sums").first.click()
    page.get_by_role("link", name="Add a source…").click()
    page.get_by_label("Name", exact=True).fill("Vault")
    page.get_by_label("Address", exact=True).fill(f"http://127.0.0.1:{SOURCE}/mcp")
    page.get_by_label("Credentials").select_option("oauth")
    page.get_by_role("button", name="Add").click()
    page.wait_for_url(f"{ADMIN}/sources/**")
    place = page.url
    expect(page.get_by_text("needs login").first).to_be_visible()
    page.get_by_role("button", name="Connect", exact=True).click()
    expect(page.get_by_text(f"127.0.0.1:{ISSUER}")).to_be_visible()
    picture("source-agree")
    page.get_by_role("button", name="Allow and go on").click()
    picture("source-visit")
    page.get_by_role("link", name=f"Log in at 127.0.0.1:{ISSUER}").click()
    page.wait_for_url(place)
    expect(page.locator("#login").get_by_text("connected", exact=True)).to_be_visible()
    # It may have been asked already: a source is, soon after it was connected.
    page.get_by_role("button", name=re.compile("^Ask ")).click()
    expect(page.get_by_role("checkbox", name="whoami")).to_be_visible()
    picture("source-connected")
    page.get_by_role("button", name="Disconnect").click()
    expect(page.get_by_text("needs login").first).to_be_visible()
    expect(page.get_by_role("button", name="Disconnect")).to_have_count(0)

    # A way back that nobody waits for changes nothing.
    page.goto(f"{ADMIN}/oauth/callback?code=made-up&state=made-up")
    expect(page.get_by_role("heading", name="Not connected")).to_be_visible()
    picture("source-not-connected")
print("the browser logged in and out")
