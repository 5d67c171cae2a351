"""A person in a real browser: allows an external source, asks it for its tools, imports one, approves it.

Arguments: the folder for screenshots, the name and the password of the account, the address of the admin door.
"""

import re
import sys

from person import browser_page, sign_in
from playwright.sync_api import expect

PICTURES, NAME, PASSWORD, ADMIN = sys.argv[1:5]

with browser_page() as page:

    def picture(name: str) -> None:
        page.screenshot(path=f"{PICTURES}/{name}.png", full_page=True)

    page.goto(f"{ADMIN}/login")
    sign_in(page, ADMIN, NAME, PASSWORD)
    expect(page.get_by_text("1 external source")).to_be_visible()

    page.goto(f"{ADMIN}/approvals")
    picture("sources-waiting")
    page.get_by_role("link", name="Peer", exact=True).click()
    picture("source-pending")
    page.get_by_role("button", name="Allow 127.0.0.1").click()
    # It may have been asked already: a source is, soon after it was allowed.
    page.get_by_role("button", name=re.compile("^Ask ")).click()
    page.get_by_role("checkbox", name="add", exact=True).check()
    picture("source-tools")
    page.get_by_role("button", name="Import what is ticked").click()
    expect(page.get_by_text("1 tool was imported")).to_be_visible()
    picture("source-imported")
    page.get_by_role("link", name="Review", exact=True).click()
    expect(page.get_by_text("Sends its arguments to 127.0.0.1")).to_be_visible()
    expect(page.get_by_text("As its source defines it")).to_be_visible()
    picture("source-review")
    page.get_by_role("button", name="Approve version 1").click()
    expect(page.get_by_text("Clients can call it now")).to_be_visible()

    page.goto(f"{ADMIN}/servers")
    page.get_by_role("link", name="sums").first.click()
    expect(page.locator("#sources").get_by_text("active")).to_be_visible()
    picture("source-server")
    page.get_by_role("link", name="peer_add").click()
    picture("source-tool")
    page.goto(f"{ADMIN}/sources")
    picture("sources")
    page.get_by_role("link", name="sums").first.click()
    page.get_by_role("link", name="Add a source…").click()
    expect(page.get_by_label("Program")).to_be_hidden()
    page.get_by_label("Credentials").select_option("oauth")
    expect(page.get_by_label("Client id")).to_be_visible()
    picture("source-form")
    page.get_by_label("How it is spoken to").select_option("stdio")
    expect(page.get_by_label("Program")).to_be_visible()
    expect(page.get_by_label("Client id")).to_be_hidden()
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"{ADMIN}/sources")
    picture("sources-phone")
print("the browser allowed and approved it")
