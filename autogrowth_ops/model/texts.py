"""What `inv health`, `status` and `checklist` say in an environment's language; all else is said in English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

Language = Literal["en", "ko"]
TEXTS: Final[Mapping[str, Mapping[Language, str]]] = {
    "host": {"en": "host", "ko": "호스트"},
    "check": {"en": "check", "ko": "점검"},
    "details": {"en": "details", "ko": "내용"},
    "container": {"en": "container", "ko": "컨테이너"},
    "release": {"en": "release", "ko": "릴리스"},
    "state": {"en": "state", "ko": "상태"},
    "restarts": {"en": "restarts", "ko": "재시작"},
    "memory": {"en": "memory", "ko": "메모리"},
    "cpus": {"en": "cpus", "ko": "CPU"},
    "stack": {"en": "stack", "ko": "스택"},
    "no limit": {"en": "no limit", "ko": "제한 없음"},
    "serves": {"en": "{0} ({1}) by {2}", "ko": "{0} ({1}), 배포: {2}"},
    "retiring": {"en": "{0} still runs for its streams, for {1} s", "ko": "{0}: 연결 정리 후 {1}초 뒤 중지"},
    "locked": {"en": "locked by {0}", "ko": "잠금: {0}"},
    "kept": {
        "en": "{0} stopped container{2} of {1} kept release{3}; to list them: --all",
        "ko": "보관된 릴리스 {1}개의 중지된 컨테이너 {0}개; 목록: --all",
    },
    "item": {"en": "item", "ko": "항목"},
    "result": {"en": "result", "ko": "결과"},
    "value": {"en": "value", "ko": "값"},
    "limit": {"en": "limit", "ko": "기준"},
    "passed": {"en": "passed", "ko": "통과"},
    "warning": {"en": "warning", "ko": "경고"},
    "failed": {"en": "failed", "ko": "실패"},
    "not read": {"en": "not read", "ko": "읽지 못함"},
    "ssh": {"en": "answer over SSH", "ko": "SSH 응답"},
    "no answer": {"en": "no answer", "ko": "응답 없음"},
    "containers": {"en": "{0} of {1} containers are there", "ko": "컨테이너 {1}개 중 {0}개만 있음"},
    "logged": {"en": "{0}, {1} error lines", "ko": "{0}, 오류 줄 {1}개"},
    "logged in": {"en": "{0}, {1} error lines, most in {2}", "ko": "{0}, 오류 줄 {1}개, 가장 많은 곳 {2}"},
    "log limit": {"en": "{0}, 0 error lines a day", "ko": "하루 {0}, 오류 줄 0개"},
    "no backup": {"en": "none found", "ko": "없음"},
    "hours": {"en": "{0} h", "ko": "{0}시간"},
    "backups": {"en": "{0}, newest {1}, {2} h old", "ko": "{0}개, 최신 {1}, {2}시간 전"},
    "backup limit": {"en": "{0} h, not empty", "ko": "{0}시간 이내, 비어 있지 않음"},
    "as recorded": {"en": "as recorded", "ko": "기록과 일치"},
    "no release": {"en": "no release serves", "ko": "서비스 중인 릴리스 없음"},
    "no record": {"en": "{0} has no record", "ko": "{0}의 기록 없음"},
    "two names": {"en": "current names {0}, the proxy serves {1}", "ko": "current는 {0}, 프록시는 {1}"},
    "replicas": {"en": "{0}: {1} of {2} run", "ko": "{0}: {2}개 중 {1}개 실행 중"},
    "beside": {"en": "{0} runs beside it", "ko": "{0}도 실행 중"},
    "other image": {"en": "{0} runs another image than recorded", "ko": "{0}의 이미지가 기록과 다름"},
}


def text(language: Language, key: str, *values: object) -> str:
    """The text with that key, its places filled with `values`."""
    return TEXTS[key][language].format(*values)
