"""The console: what it sends along, and what somebody sees who uses it in a real browser."""

import base64
import hashlib
import re
import shutil
from datetime import date

import pytest
from PIL import Image
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tests.adapters.test_sqlite_features import snapshot
from tests.serving.sites import Site, picture_site, scam_draft, serving
from tests.serving.test_lookup import ONLINE, online_of, site_with
from tests.serving.test_pictures import code, jpeg
from ucu_mlops.serving.console import console_of

NO_BROWSER = pytest.mark.skipif(
    shutil.which("chromium") is None or shutil.which("chromedriver") is None,
    reason="no Chromium (Debian: chromium, chromium-driver) at hand",
)
KEY = "a key of some length"


def test_it_is_served_with_a_policy_that_knows_its_own_script_only(scam):
    """The page names the model; the policy allows nothing from elsewhere; no URL leads away."""
    found = scam.get("/")
    assert found.status == 200
    policy = found.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; connect-src 'self'")
    assert "unsafe" not in policy
    page = found.body["text"]
    assert 'data-model="scam"' in page
    assert re.findall(r"https?://", page) == []
    assert "innerHTML" not in page


def test_the_policy_changes_with_the_page():
    """The hashes are those of what the page holds, byte by byte."""
    page, headers = console_of('"><script>alert(1)</script>')
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in headers["Content-Security-Policy"]


def test_on_vertex_there_is_none(tmp_path):
    """Where Vertex AI says which path predictions have, nobody but its front comes."""
    site = Site(tmp_path)
    site.publish("1", scam_draft())
    with serving(site, AIP_PREDICT_ROUTE="/answers") as server:
        assert server.get("/").status == 404


@pytest.fixture
def browser(tmp_path):
    """A headless Chromium."""
    options = webdriver.ChromeOptions()
    for each in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=900,900"):
        options.add_argument(each)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService(shutil.which("chromedriver"))
    with webdriver.Chrome(options=options, service=service) as driver:
        yield driver
        # What the policy refuses, or a script's error, is said on the browser's console.
        severe = [each["message"] for each in driver.get_log("browser")]
        assert not [each for each in severe if "Content Security" in each or "Uncaught" in each]


def told(browser, count=1):
    """Wait until so many answers are there; the newest one's text."""
    WebDriverWait(browser, 30).until(
        lambda _: (
            len(browser.find_elements(By.CSS_SELECTOR, "article")) == count
            and not browser.find_elements(By.CSS_SELECTOR, "[aria-busy]")
        )
    )
    return browser.find_elements(By.CSS_SELECTOR, "article")[0].text


@NO_BROWSER
def test_a_user_is_looked_up(tmp_path, browser):
    """By id, by a link, with features given; a user of whom nothing is known is told in a line."""
    site = site_with(tmp_path, max_age_days=None)
    online_of(site).publish(snapshot(date(2026, 3, 31), ONLINE, u1=(9.0, "UA", 3.0)))
    with serving(site) as server:
        browser.get(f"http://127.0.0.1:{server.port}/#u1")
        said = told(browser)
        assert "scam\nyes\n0.9526" in re.sub(r"[ ]+", "\n", said)
        assert "version 1, features as of 2026-04-01" in said
        field = browser.find_element(By.ID, "user")
        field.clear()
        field.send_keys("<b>nobody</b>")
        field.submit()
        said = told(browser, 2)
        assert said.startswith("<b>nobody</b>")
        assert "nothing is published of user" in said
        browser.find_element(By.CSS_SELECTOR, "#by_features summary").click()
        browser.find_element(By.ID, "features").submit()
        assert "no\n0.5000" in re.sub(r"[ ]+", "\n", told(browser, 3)) or "0.5000" in told(
            browser, 3
        )


@NO_BROWSER
def test_pictures_are_uploaded_with_a_key(tmp_path, browser):
    """Without the key it is refused; with it a picture gets its labels, a broken one a reason."""
    site = picture_site(tmp_path / "site")
    keys = tmp_path / "keys"
    keys.write_text(f"console {hashlib.sha256(KEY.encode()).hexdigest()}\n")
    contents = {"code.jpg": code(), "plain.jpg": jpeg(Image.new("L", (90, 90), 90)), "no.jpg": b"x"}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)

    def upload(name):
        browser.find_element(By.ID, "files").send_keys(str(tmp_path / name))

    with serving(site, UCU_API_KEYS=str(keys)) as server:
        browser.get(f"http://127.0.0.1:{server.port}/")
        WebDriverWait(browser, 30).until(
            lambda _: browser.find_element(By.ID, "by_image").is_displayed()
        )
        upload("code.jpg")
        assert "key" in told(browser, 1)
        browser.find_element(By.XPATH, "//summary[.='API key']").click()
        browser.find_element(By.ID, "key").send_keys(KEY)
        for number, (name, said) in enumerate(
            {"code.jpg": "yes", "plain.jpg": "no", "no.jpg": "not_an_image"}.items(), start=2
        ):
            upload(name)
            text = told(browser, number)
            assert text.startswith(name)
            assert said in text
    assert {each["caller"] for each in site.records()} == {"console"}
