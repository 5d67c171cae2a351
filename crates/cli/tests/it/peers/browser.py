"""A person in a real browser: makes the account, signs in, reads the requests, decides about them.

Arguments: the address of the admin door, the folder for screenshots, the text that the code must show.
"""

import sys

from person import browser_page, sign_in
from playwright.sync_api import expect

ADMIN, PICTURES, CODE = sys.argv[1:4]
NAME, PASSWORD = "grace", "a long enough password"

with browser_page() as page:
    page.goto(ADMIN)
    expect(page).to_have_url(f"{ADMIN}/setup")
    page.get_by_label("Username").fill(NAME)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Repeat").fill(PASSWORD)
    page.screenshot(path=f"{PICTURES}/setup.png")
    page.get_by_role("button", name="Create account").click()
    page.wait_for_url(f"{ADMIN}/")

    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{ADMIN}/login**")
    sign_in(page, ADMIN, NAME, PASSWORD)

    page.goto(f"{ADMIN}/approvals")
    expect(page.get_by_text(CODE).first).to_be_visible()
    page.screenshot(path=f"{PICTURES}/approvals.png", full_page=True)
    page.get_by_role("button", name="Approve sched").click()
    page.wait_for_url(f"{ADMIN}/approvals/requests?status=approved#**")
    expect(page.locator("#modules td code").get_by_text("sched", exact=True)).to_be_visible()
    page.screenshot(path=f"{PICTURES}/modules.png", full_page=True)
    page.get_by_role("link", name="Waiting", exact=True).click()
    page.get_by_text("Reject…").click()
    page.get_by_label("Why not?").fill("it is a <b>stranger's</b>")
    page.get_by_role("button", name="Reject api.example.com").click()
    page.wait_for_url(f"{ADMIN}/approvals/requests?status=rejected#**")
    expect(page.get_by_text("it is a <b>stranger's</b>")).to_be_visible()

    page.goto(f"{ADMIN}/servers")
    page.get_by_role("link", name="shapes").first.click()
    hosts = page.locator("#hosts")
    hosts.get_by_label("Host", exact=True).fill("NAS.example")
    hosts.get_by_label("Port", exact=True).fill("5000")
    hosts.get_by_role("button", name="Allow host").click()
    expect(hosts.locator("td code").get_by_text("nas.example:5000", exact=True)).to_be_visible()
    page.screenshot(path=f"{PICTURES}/server.png", full_page=True)
    hosts.get_by_label("Host", exact=True).fill("nas.example")
    hosts.get_by_role("button", name="Allow host").click()
    expect(hosts.get_by_text("nas.example:5000", exact=True)).to_have_count(0)

    page.goto(f"{ADMIN}/approvals")
    page.get_by_role("button", name="Approve").first.click()
    expect(page.get_by_text("approved", exact=False).first).to_be_visible()
    page.screenshot(path=f"{PICTURES}/approved.png", full_page=True)

    for path in ["", "servers", "logs", "account"]:
        page.goto(f"{ADMIN}/{path}")
        page.screenshot(path=f"{PICTURES}/{path or 'dashboard'}.png", full_page=True)
print("the browser approved it")
