echo one
echo '((two))'
