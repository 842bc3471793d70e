"""The `grammar` script: a pure function of the seed, the prompt and nothing else."""

from app.demo_teacher.draws import prompt_digest, seeded_random
from app.demo_teacher.grammar.blocks import continue_blocks
from app.demo_teacher.grammar.chinese import Chinese
from app.demo_teacher.grammar.classification import classify
from app.demo_teacher.grammar.dialogues import ask_on, questions_and_answers, talk
from app.demo_teacher.grammar.english import English
from app.demo_teacher.grammar.evolution import evolve
from app.demo_teacher.grammar.instances import answer_instances
from app.demo_teacher.grammar.judgements import grade, judge, reward
from app.demo_teacher.grammar.passages import answer_from, ask_about, bear_out
from app.demo_teacher.grammar.proposals import propose
from app.demo_teacher.grammar.speech import Speech
from app.demo_teacher.protocol import Prompt
from app.demo_teacher.reading import is_chinese, last_task
from app.demo_teacher.script import Scripted
from app.demo_teacher.settings import Settings
from app.demo_teacher.steps import Step


class GrammarScript:
    """`Script` that draws every reply from a grammar, seeded by the prompt itself."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._one_digest = prompt_digest("") if settings.same_reply else None

    def reply(self, name: str, step: Step, prompt: Prompt, digest: bytes, choice: int) -> Scripted:
        """See `Script`; with `same_reply` the draws no longer depend on the prompt."""
        settings = self._settings
        rng = seeded_random(settings.seed, step, self._one_digest or digest, choice)
        chinese = is_chinese(prompt.text)
        speech: Speech = Chinese(rng) if chinese else English(rng)
        return Scripted(self._text(step, speech, prompt, chinese=chinese))

    def reset(self) -> None:
        """Nothing to forget."""

    def _text(self, step: Step, speech: Speech, prompt: Prompt, *, chinese: bool) -> str:
        settings = self._settings
        same = settings.same_reply
        duplicates = 0.0 if same else settings.duplicate_rate
        match step:
            case Step.PROPOSE:
                return propose(
                    speech, prompt, duplicate_rate=duplicates, flawed_rate=settings.flawed_rate
                )
            case Step.BLOCKS:
                return continue_blocks(
                    speech, prompt, duplicate_rate=duplicates, flawed_rate=settings.flawed_rate
                )
            case Step.CLASSIFY:
                wordy_rate = settings.wordy_rate if prompt.is_chat else 0.0
                return classify(speech, last_task(prompt), wordy_rate=wordy_rate, chinese=chinese)
            case Step.ANSWER:
                return answer_instances(
                    speech, prompt, "" if same else last_task(prompt), chinese=chinese
                )
            case Step.DIALOGUE:
                return talk(speech, prompt)
            case Step.EVOLVE:
                return evolve(speech, prompt)
            case Step.JUDGE:
                return judge(speech, prompt)
            case Step.RUBRIC:
                return grade(speech, prompt)
            case Step.REWARD:
                return reward(prompt)
            case _:
                return self._said(step, speech, prompt, chinese=chinese)

    def _said(self, step: Step, speech: Speech, prompt: Prompt, *, chinese: bool) -> str:
        """What a person or an assistant says, outside any form."""
        match step:
            case Step.USER_TURN:
                return ask_on(speech, prompt)
            case Step.PREQUERY:
                return speech.instruction()
            case Step.QUESTIONS:
                return questions_and_answers(speech, prompt, chinese=chinese)
            case Step.PASSAGE_QUESTIONS:
                return ask_about(speech, prompt, chinese=chinese)
            case Step.PASSAGE_ANSWER:
                return answer_from(speech, prompt, chinese=chinese)
            case Step.PASSAGE_CHECK:
                return bear_out(speech, chinese=chinese)
            case _:
                return speech.answer("" if self._settings.same_reply else prompt.last)
